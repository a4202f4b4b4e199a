// Attention of one new token per sequence over a paged cache: MHA, GQA and MQA, whole batches of
// one length, ragged ones, and a sliding window.

#include <array>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "calibrate/measuring/families/attention.hpp"
#include "calibrate/measuring/words.hpp"
#include "kernels/decode.hpp"

namespace terrace::calibrate::family {
namespace {

using kernels::Element;

struct Decode {
  Heads heads{};
  Element type = Element::bf16;
  std::int64_t batch = 1;
  std::int64_t kv = 1;      // tokens of a sequence; their mean in a ragged batch
  std::int64_t window = 0;  // 0: all are seen
  bool ragged = false;
};

constexpr std::array<Heads, 8> kGpuHeads = {{{32, 32, 128},
                                             {32, 8, 128},
                                             {64, 8, 128},
                                             {64, 4, 128},
                                             {32, 16, 128},
                                             {71, 1, 64},
                                             {64, 8, 64},
                                             {8, 4, 256}}};
constexpr std::array<Heads, 6> kCpuHeads = {
    {{8, 2, 64}, {8, 8, 64}, {16, 1, 64}, {32, 8, 128}, {32, 32, 128}, {32, 4, 128}}};

/// Lengths that sum up to batch * kv: of one length, or like ranks of Zipf's law, the longest some
/// 2 to 7 times the mean.
std::vector<std::int32_t> lengths(const Decode& d) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(d.batch), static_cast<std::int32_t>(d.kv));
  if (!d.ragged) return all;
  double weights = 0;
  for (std::int64_t i = 1; i <= d.batch; ++i) weights += std::pow(i, -0.7);
  std::int64_t left = d.batch * d.kv;
  for (std::int64_t i = d.batch; i > 1; --i) {
    const double share = std::pow(i, -0.7) / weights;
    const auto length =
        std::max<std::int64_t>(1, std::llround(share * static_cast<double>(d.batch * d.kv)));
    all[static_cast<std::size_t>(i - 1)] = static_cast<std::int32_t>(length);
    left -= length;
  }
  all[0] = static_cast<std::int32_t>(left);
  return all;
}

Sample measure(Bench& bench, const Decode& d, bool cold) {
  Operands& operands = *bench.operands;
  const PagedCache cache(operands, d.type, d.heads, lengths(d), cold);
  const std::int64_t rows = d.batch * d.heads.q * d.heads.dim;
  const auto q = operands.next(Element::bf16, rows);
  const auto out = operands.allocate(Bytes{2 * rows});
  std::vector<kernels::Start> calls;
  for (std::size_t turn = 0; turn < cache.turns.count(); ++turn) {
    calls.push_back(operands.kernels().prepare(
        kernels::PagedDecode{q,
                             d.heads.q,
                             cache.kv,
                             cache.turns.table(turn),
                             1 / std::sqrt(static_cast<float>(d.heads.dim)),
                             d.window > 0 ? std::optional(d.window) : std::nullopt,
                             {Element::bf16, out.get()}}));
  }
  return operands.time(calls);
}

Bytes bytes_of(const Decode& d) { return kv_bytes(d.type, d.heads, d.batch * d.kv); }

double call_seconds(const Extent& extent, const Decode& d) {
  const double seen =
      d.window > 0 ? static_cast<double>(std::min(d.window, d.kv)) / static_cast<double>(d.kv) : 1;
  const double moved = seconds(bytes_of(d) / extent.pace.memory);
  const double work = 4 * static_cast<double>(d.batch * d.kv * d.heads.q * d.heads.dim);
  return seen * std::max(moved, work / extent.pace.products.count());
}

void add(std::vector<Measurement>& all, const Extent& extent, const Decode& d, bool cold) {
  const std::string_view cache = cold ? "cold" : "hot";
  const Heads& h = d.heads;
  all.push_back(
      {.id = fmt::format("decode_attention/{}/h{}.{}.{}/p{}/b{}/kv{}{}{}/{}", word(d.type), h.q,
                         h.kv, h.dim, kPage, d.batch, d.kv,
                         d.window > 0 ? fmt::format("/w{}", d.window) : "",
                         d.ragged ? "/ragged" : "", cache),
       .x = {{"b", d.batch},
             {"kv", d.kv},
             {"nh", h.q},
             {"nkv", h.kv},
             {"hd", h.dim},
             {"page", kPage},
             {"kv_dtype", word(d.type)},
             {"window", d.window},
             {"ragged", d.ragged}},
       .cache = std::string(cache),
       .unit = "us",
       .seconds = sampling_seconds(call_seconds(extent, d), sampling_of(extent)),
       .measure = [d, cold](Bench& bench) { return measure(bench, d, cold); },
       .kernels = {kernels::proof::DecodeKernel{d.type, h.dim, h.q / h.kv, d.window > 0}}});
}

/// What is worth its time: small ones tell the overhead, and there are enough of them.
bool worth(const Extent& extent, const Decode& d) {
  if (bytes_of(d) * 3 > extent.memory) return false;
  if (!extent.gpu) return call_seconds(extent, d) <= (extent.quick ? 0.01 : 0.04);
  using namespace literals;
  const bool floor = d.batch * d.kv <= 1024;
  return (floor || bytes_of(d) >= 30_MiB) && bytes_of(d) <= 40_GiB;
}

void add_grid(std::vector<Measurement>& all, const Extent& extent, const Heads& heads,
              Element type) {
  using List = std::vector<std::int64_t>;
  const List batches = extent.gpu ? (extent.quick ? List{1, 8, 32, 128} : List{1, 8, 32, 128, 512})
                       : extent.quick ? List{1, 4, 16}
                                      : List{1, 2, 4, 8, 16, 32};
  const List lengths = extent.gpu     ? (extent.quick ? List{128, 1024, 4096, 16384}
                                                      : List{128, 1024, 4096, 16384, 65536})
                       : extent.quick ? List{32, 256, 2048}
                                      : List{32, 128, 512, 2048, 8192};
  for (const std::int64_t batch : batches) {
    for (const std::int64_t kv : lengths) {
      const Decode d{heads, type, batch, kv};
      if (!worth(extent, d)) continue;
      add(all, extent, d, true);
      if (worth_hot(extent, bytes_of(d))) add(all, extent, d, false);
    }
  }
}

/// Ragged batches and windows, of one kind of heads.
void add_others(std::vector<Measurement>& all, const Extent& extent, const Heads& heads) {
  const std::int64_t kv = extent.gpu ? 16384 : 2048;
  for (const std::int64_t batch : {8, 32}) {
    const Decode d{heads, Element::bf16, batch, kv, 0, true};
    if (worth(extent, d)) add(all, extent, d, true);
  }
  if (extent.quick) return;
  for (const std::int64_t window : {128, 1024, 4096}) {
    const Decode d{heads, Element::bf16, 16, 2 * kv, window};
    if (window < 2 * kv && bytes_of(d) * 3 <= extent.memory) add(all, extent, d, true);
  }
}

std::vector<Measurement> plan(const Extent& extent) {
  std::span<const Heads> heads = extent.gpu ? std::span<const Heads>(kGpuHeads) : kCpuHeads;
  std::vector<Measurement> all;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (extent.quick && !extent.gpu && i % 3 == 1) continue;
    add_grid(all, extent, heads[i], Element::bf16);
    if (!extent.quick && i % 3 == 0) add_grid(all, extent, heads[i], Element::fp8_e4m3);
  }
  add_others(all, extent, extent.gpu ? Heads{32, 8, 128} : Heads{8, 2, 64});
  return all;
}

}  // namespace

Family decode_attention() {
  return {.name = "decode_attention",
          .summary = "attention of one new token over paged KV: MHA, GQA, MQA",
          .plan = plan};
}

}  // namespace terrace::calibrate::family
