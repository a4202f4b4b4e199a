#include "kernels/cuda/plan.hpp"

#include <algorithm>

namespace terrace::kernels::cuda {
namespace {

constexpr std::int64_t kShortest = 256;  // keys: their KV is many times their partial sums
constexpr std::int64_t kTurns = 6;       // blocks for each slot: the last turn is seldom full
constexpr std::int64_t kAlign = 64;      // keys that the warps of a block take in turn

std::int64_t up(std::int64_t x, std::int64_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

}  // namespace

DecodePlan plan_decode(std::span<const std::int32_t> kv_lens, std::optional<std::int64_t> window,
                       std::int64_t units, std::int64_t slots) {
  const auto first_seen = [&](std::int64_t length) {
    return window ? std::max<std::int64_t>(length - *window, 0) : std::int64_t{0};
  };
  std::int64_t keys = 0;
  for (const std::int32_t length : kv_lens) keys += length - first_seen(length);
  const std::int64_t wanted = keys * units / std::max<std::int64_t>(slots * kTurns, 1);
  const std::int64_t size = up(std::max(wanted, kShortest), kAlign);

  DecodePlan plan;
  for (std::size_t s = 0; s < kv_lens.size(); ++s) {
    const std::int32_t length = kv_lens[s];
    const auto begin = static_cast<std::int32_t>(first_seen(length));
    const std::int64_t count = std::max<std::int64_t>((length - begin + size - 1) / size, 1);
    const auto first_chunk = static_cast<std::int32_t>(plan.chunks.size());
    for (std::int64_t i = 0; i < count; ++i) {
      const auto first = static_cast<std::int32_t>(begin + i * size);
      const auto last = static_cast<std::int32_t>(std::min<std::int64_t>(first + size, length));
      plan.chunks.push_back({static_cast<std::int32_t>(s), first, last, count == 1 ? 1 : 0});
    }
    if (count > 1) {
      plan.parts.push_back({static_cast<std::int32_t>(s), first_chunk,
                            static_cast<std::int32_t>(plan.chunks.size())});
    }
  }
  return plan;
}

std::vector<RowRange> plan_prefill(const PagedPrefill& op, std::int64_t rows) {
  const std::int64_t group = op.heads / op.kv.kv_heads;
  std::vector<RowRange> ranges;
  for (std::size_t s = 0; s < op.table.kv_lens.size(); ++s) {
    const std::int32_t count = op.indptr[s + 1] - op.indptr[s];
    for (std::int64_t first = 0; first < count * group; first += rows) {
      ranges.push_back({static_cast<std::int32_t>(s), static_cast<std::int32_t>(first),
                        static_cast<std::int32_t>(count * group), op.indptr[s],
                        op.table.kv_lens[s] - count});
    }
  }
  std::stable_sort(ranges.begin(), ranges.end(), [&](const RowRange& a, const RowRange& b) {
    return a.position + a.first / group > b.position + b.first / group;
  });
  return ranges;
}

}  // namespace terrace::kernels::cuda
