// Attention of one new token over the paged latent cache of DeepSeek's models, in the absorbed
// form.

#include "kernels/mla_decode.hpp"

#include <cmath>

#include <fmt/format.h>

#include "calibrate/measuring/families/attention.hpp"

namespace terrace::calibrate::family {
namespace {

using kernels::Element;
using kernels::PagedLatent;

struct Decode {
  std::int64_t heads = 0, batch = 0, kv = 0;
};

Bytes bytes_of(const Decode& d) { return Bytes{2 * d.batch * d.kv * PagedLatent::kWidth}; }

Sample measure(Bench& bench, const Decode& d, bool cold) {
  Operands& operands = *bench.operands;
  const std::vector<std::int32_t> lengths(static_cast<std::size_t>(d.batch),
                                          static_cast<std::int32_t>(d.kv));
  const std::int64_t page = kPage * PagedLatent::kWidth;
  const std::int64_t pages =
      std::max(operands.cold().count() / (2 * page), PageTurns::pages(lengths));
  const PageTurns turns(lengths, pages, cold ? Operands::kMostTurns : 1, 1);
  const PagedLatent latent{operands.pool(Element::bf16, pages * page), kPage};
  const auto q = operands.next(Element::bf16, d.batch * d.heads * PagedLatent::kWidth);
  const auto out = operands.allocate(Bytes{2 * d.batch * d.heads * PagedLatent::kLatent});
  std::vector<kernels::Start> calls;
  for (std::size_t turn = 0; turn < turns.count(); ++turn) {
    calls.push_back(operands.kernels().prepare(
        kernels::MlaDecode{q,
                           d.heads,
                           latent,
                           turns.table(turn),
                           1 / std::sqrt(static_cast<float>(PagedLatent::kWidth)),
                           {Element::bf16, out.get()}}));
  }
  return operands.time(calls);
}

double call_seconds(const Extent& extent, const Decode& d) {
  const double work = 2 * static_cast<double>(d.batch * d.kv * d.heads) *
                      (PagedLatent::kWidth + PagedLatent::kLatent);
  return std::max(seconds(bytes_of(d) / extent.pace.memory), work / extent.pace.products.count());
}

void add(std::vector<Measurement>& all, const Extent& extent, const Decode& d, bool cold) {
  const std::string_view cache = cold ? "cold" : "hot";
  all.push_back(
      {.id = fmt::format("mla_decode/bf16/h{}/b{}/kv{}/{}", d.heads, d.batch, d.kv, cache),
       .x = {{"b", d.batch},
             {"kv", d.kv},
             {"nh", d.heads},
             {"page", kPage},
             {"kv_dtype", "bf16"},
             {"ragged", false}},
       .cache = std::string(cache),
       .unit = "us",
       .seconds = sampling_seconds(call_seconds(extent, d), sampling_of(extent)),
       .measure = [d, cold](Bench& bench) { return measure(bench, d, cold); },
       .kernels = {kernels::proof::MlaDecodeKernel{d.heads}}});
}

std::vector<Measurement> plan(const Extent& extent) {
  using List = std::vector<std::int64_t>;
  const List heads = extent.gpu ? List{16, 64, 128} : extent.quick ? List{8, 16} : List{8, 16, 128};
  const List batches = extent.gpu ? List{1, 8, 32, 128} : List{1, 4, 16};
  const List lengths = extent.gpu     ? List{128, 1024, 4096, 16384, 65536}
                       : extent.quick ? List{64, 128, 512, 1024}
                                      : List{128, 512, 2048, 8192};
  const double most = extent.gpu ? 0.03 : extent.quick ? 0.01 : 0.04;
  std::vector<Measurement> all;
  for (const std::int64_t h : heads) {
    for (const std::int64_t batch : batches) {
      for (const std::int64_t kv : lengths) {
        const Decode d{h, batch, kv};
        if (call_seconds(extent, d) > most || bytes_of(d) * 3 > extent.memory) continue;
        add(all, extent, d, true);
        if (extent.gpu && worth_hot(extent, bytes_of(d))) add(all, extent, d, false);
      }
    }
  }
  return all;
}

}  // namespace

Family mla_decode() {
  return {.name = "mla_decode",
          .summary = "attention of one new token over paged latents (MLA)",
          .plan = plan};
}

}  // namespace terrace::calibrate::family
