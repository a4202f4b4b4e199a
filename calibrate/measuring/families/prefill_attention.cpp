// Causal attention of prompts, whole and in chunks behind a prefix.

#include <array>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "calibrate/measuring/families/attention.hpp"
#include "kernels/prefill.hpp"

namespace terrace::calibrate::family {
namespace {

using kernels::Element;

struct Prefill {
  Heads heads{};
  std::int64_t batch = 1;
  std::int64_t fresh = 1;   // new tokens of each sequence
  std::int64_t prefix = 0;  // before them
};

constexpr std::array<Heads, 4> kGpuHeads = {
    {{32, 8, 128}, {64, 8, 128}, {32, 32, 128}, {8, 4, 256}}};
constexpr std::array<Heads, 4> kCpuHeads = {{{8, 2, 64}, {32, 8, 128}, {8, 8, 64}, {32, 32, 128}}};

Bytes bytes_of(const Prefill& p) {
  return kv_bytes(Element::bf16, p.heads, p.batch * (p.prefix + p.fresh));
}

Sample measure(Bench& bench, const Prefill& p) {
  Operands& operands = *bench.operands;
  const std::vector<std::int32_t> lengths(static_cast<std::size_t>(p.batch),
                                          static_cast<std::int32_t>(p.prefix + p.fresh));
  const PagedCache cache(operands, Element::bf16, p.heads, lengths, true);
  std::vector<std::int32_t> indptr = {0};
  for (std::int64_t i = 1; i <= p.batch; ++i) {
    indptr.push_back(static_cast<std::int32_t>(i * p.fresh));
  }
  const std::int64_t rows = p.batch * p.fresh * p.heads.q * p.heads.dim;
  const auto q = operands.next(Element::bf16, rows);
  const auto out = operands.allocate(Bytes{2 * rows});
  std::vector<kernels::Start> calls;
  for (std::size_t turn = 0; turn < cache.turns.count(); ++turn) {
    calls.push_back(operands.kernels().prepare(
        kernels::PagedPrefill{q,
                              indptr,
                              p.heads.q,
                              cache.kv,
                              cache.turns.table(turn),
                              1 / std::sqrt(static_cast<float>(p.heads.dim)),
                              std::nullopt,
                              {Element::bf16, out.get()}}));
  }
  return operands.time(calls);
}

double call_seconds(const Extent& extent, const Prefill& p) {
  const auto fresh = static_cast<double>(p.fresh);
  const double seen = fresh * (static_cast<double>(p.prefix) + fresh / 2);
  const double work = 4 * static_cast<double>(p.batch * p.heads.q * p.heads.dim) * seen;
  return std::max(work / extent.pace.products.count(), seconds(bytes_of(p) / extent.pace.memory));
}

void add(std::vector<Measurement>& all, const Extent& extent, const Prefill& p) {
  const double most = extent.gpu ? 0.1 : extent.quick ? 0.02 : 0.06;
  if (call_seconds(extent, p) > most || bytes_of(p) * 3 > extent.memory) return;
  const Heads& h = p.heads;
  all.push_back({.id = fmt::format("prefill_attention/bf16/h{}.{}.{}/p{}/b{}/s{}/prefix{}", h.q,
                                   h.kv, h.dim, kPage, p.batch, p.fresh, p.prefix),
                 .x = {{"b", p.batch},
                       {"s", p.fresh},
                       {"prefix", p.prefix},
                       {"nh", h.q},
                       {"nkv", h.kv},
                       {"hd", h.dim},
                       {"page", kPage},
                       {"kv_dtype", "bf16"},
                       {"window", 0}},
                 .cache = "cold",
                 .unit = "us",
                 .seconds = sampling_seconds(call_seconds(extent, p), sampling_of(extent)),
                 .measure = [p](Bench& bench) { return measure(bench, p); },
                 .kernels = {kernels::proof::PrefillKernel{Element::bf16, h.dim, h.q / h.kv}}});
}

void add_grid(std::vector<Measurement>& all, const Extent& extent, const Heads& heads) {
  using List = std::vector<std::int64_t>;
  const List prompts = extent.gpu     ? List{16, 128, 512, 2048, 8192, 32768}
                       : extent.quick ? List{16, 64, 128, 256, 512}
                                      : List{16, 64, 128, 256, 512, 1024};
  const List chunks = extent.gpu ? List{512, 2048} : List{16, 128};
  const List prefixes = extent.gpu     ? List{4096, 32768, 131072}
                        : extent.quick ? List{512}
                                       : List{128, 512, 2048};
  constexpr std::int64_t kMostTokens = 65536;
  for (const std::int64_t batch : {1, 4}) {
    for (const std::int64_t fresh : prompts) {
      if (batch * fresh <= kMostTokens) add(all, extent, {heads, batch, fresh, 0});
    }
  }
  for (const std::int64_t fresh : chunks) {
    for (const std::int64_t prefix : prefixes) add(all, extent, {heads, 1, fresh, prefix});
  }
}

std::vector<Measurement> plan(const Extent& extent) {
  std::span<const Heads> heads = extent.gpu ? std::span<const Heads>(kGpuHeads) : kCpuHeads;
  if (extent.quick) heads = heads.first(3);
  std::vector<Measurement> all;
  for (const Heads& one : heads) add_grid(all, extent, one);
  return all;
}

}  // namespace

Family prefill_attention() {
  return {.name = "prefill_attention",
          .summary = "causal attention of prompts, whole and in chunks",
          .plan = plan};
}

}  // namespace terrace::calibrate::family
