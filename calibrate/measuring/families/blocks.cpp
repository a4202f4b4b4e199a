// Blocks of KV between a paged pool and one run of memory, both on the device: what it takes to
// make one large transfer of many small pieces.

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "kernels/block_copy.hpp"
#include "sim/base/random.hpp"
#include "sim/base/shuffle.hpp"

namespace terrace::calibrate::family {
namespace {

using kernels::Element;

struct Blocks {
  bool gather = true;
  Bytes fragment{};  // two in a block: its keys and its values
  std::int64_t count = 1;

  [[nodiscard]] Bytes all() const { return fragment * (2 * count); }
};

/// Blocks of the pool, each in one list; lists take turns.
std::vector<std::vector<std::int32_t>> lists(std::int64_t pool, std::int64_t count) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(pool));
  std::iota(order.begin(), order.end(), 0);
  Random random(1, "calibrate/blocks");
  shuffle(order, random);
  std::vector<std::vector<std::int32_t>> all;
  for (auto next = order.begin();
       order.end() - next >= count && std::ssize(all) < Operands::kMostTurns; next += count) {
    all.emplace_back(next, next + count);
  }
  return all;
}

Sample measure(Bench& bench, const Blocks& b) {
  Operands& operands = *bench.operands;
  const Bytes block = b.fragment * 2;
  const std::int64_t pool = std::max(operands.cold().count() / block.count(), b.count);
  const kernels::BlockFragments fragments{b.fragment, 2, block, b.fragment};
  const auto bytes = static_cast<std::size_t>(b.all().count());
  const auto numbers = [&](Bytes size) { return operands.pool(Element::bf16, size.count() / 2); };
  std::vector<kernels::Start> calls;
  for (const std::vector<std::int32_t>& list : lists(pool, b.count)) {
    if (b.gather) {
      const auto* from = static_cast<const std::byte*>(numbers(block * pool).begin);
      calls.push_back(operands.kernels().prepare(
          kernels::BlockGather{from, fragments, list, operands.scratch(b.all()).first(bytes)}));
    } else {
      const auto* from = static_cast<const std::byte*>(numbers(b.all()).begin);
      calls.push_back(operands.kernels().prepare(kernels::BlockScatter{
          {from, bytes}, fragments, list, operands.scratch(block * pool).data()}));
    }
  }
  return operands.time(calls);
}

std::vector<Measurement> plan(const Extent& extent) {
  using namespace literals;
  const auto fragments =
      extent.quick ? std::vector{8_KiB, 64_KiB} : std::vector{2_KiB, 8_KiB, 32_KiB, 128_KiB, 1_MiB};
  const auto counts = extent.quick ? std::vector<std::int64_t>{16, 256}
                                   : std::vector<std::int64_t>{1, 16, 128, 1024, 8192};
  const Bytes most = extent.gpu ? 1_GiB : extent.quick ? 64_MiB : 256_MiB;
  std::vector<Measurement> all;
  for (const bool gather : {true, false}) {
    for (const Bytes fragment : fragments) {
      for (const std::int64_t count : counts) {
        const Blocks b{gather, fragment, count};
        if (b.all() > most || b.all() * 8 > extent.memory) continue;
        const std::string_view op = gather ? "gather" : "scatter";
        const double call = 2 * seconds(b.all() / extent.pace.memory);
        all.push_back({.id = fmt::format("blocks/{}/{}/n{}", op, fragment.count(), count),
                       .x = {{"op", op},
                             {"fragment", fragment.count()},
                             {"fragments", 2},
                             {"blocks", count},
                             {"bytes", b.all().count()}},
                       .cache = "cold",
                       .unit = "us",
                       .seconds = sampling_seconds(call, sampling_of(extent)),
                       .measure = [b](Bench& bench) { return measure(bench, b); },
                       .kernels = {gather ? kernels::proof::BytesKernel::gather
                                          : kernels::proof::BytesKernel::scatter}});
      }
    }
  }
  return all;
}

}  // namespace

Family blocks() {
  return {.name = "blocks",
          .summary = "gather and scatter of KV blocks in memory of the device",
          .plan = plan};
}

}  // namespace terrace::calibrate::family
