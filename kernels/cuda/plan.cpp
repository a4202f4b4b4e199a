#include "kernels/cuda/plan.hpp"

#include <algorithm>

namespace terrace::kernels::cuda {
namespace {

constexpr std::int64_t kShortest = 128;  // keys: their KV is many times their partial sums
constexpr std::int64_t kAlign =
    64;  // keys: tiles begin where pages do, but for those that a window cuts

// What takes time besides keys, in keys that a block could have attended to meanwhile: estimates
// by latencies of 0.5 us for each of some loads that wait for each other, and 2 us for a launch.
constexpr std::int64_t kBegin = 32;      // a block's first keys and its end, while others go on
constexpr std::int64_t kPartial = 16;    // a chunk's partial sums, written and read again
constexpr std::int64_t kMerging = 8192;  // of all blocks together: that there are chunks to merge

std::int64_t up(std::int64_t x, std::int64_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

/// How many chunks of `size` keys at most.
std::int64_t chunks_of(std::int64_t keys, std::int64_t size) {
  return std::max<std::int64_t>((keys + size - 1) / size, 1);
}

/// How long sequences of so many keys take in chunks of `size` at most, by what a device does that
/// memory keeps busy: all blocks that run share its bandwidth.
double keys_in_turn(std::span<const std::int64_t> keys, std::int64_t size, std::int64_t units,
                    std::int64_t slots) {
  std::int64_t chunks = 0;
  std::int64_t work = 0;
  std::int64_t longest = 0;
  bool merges = false;
  for (const std::int64_t of_sequence : keys) {
    const std::int64_t count = chunks_of(of_sequence, size);
    chunks += count;
    work += of_sequence + count * (kBegin + (count > 1 ? kPartial : 0));
    longest = std::max(longest, of_sequence / count + kBegin);
    merges = merges || count > 1;
  }
  const std::int64_t blocks = chunks * units;
  const std::int64_t last = blocks % slots;
  // The last turn leaves slots empty: what runs there is quicker for it, but fills memory less.
  const double turns = static_cast<double>(blocks - last) +
                       (last > 0 ? 0.5 * static_cast<double>(last + slots) : 0.0);
  const double all =
      static_cast<double>(work) / static_cast<double>(std::max<std::int64_t>(chunks, 1)) * turns;
  const double alone = 0.5 * static_cast<double>(longest * slots);
  return std::max(all, alone) + (merges ? static_cast<double>(kMerging) : 0.0);
}

/// The size of chunks that takes least time: the longest sequence in one, two, three, ...
std::int64_t best_size(std::span<const std::int64_t> keys, std::int64_t units, std::int64_t slots) {
  const std::int64_t longest = keys.empty() ? 0 : *std::max_element(keys.begin(), keys.end());
  std::int64_t best = up(std::max<std::int64_t>(longest, 1), kAlign);
  double least = keys_in_turn(keys, best, units, slots);
  for (std::int64_t count = 2; longest / count >= kShortest; count += 1 + count / 64) {
    const std::int64_t size = up((longest + count - 1) / count, kAlign);
    const double time = keys_in_turn(keys, size, units, slots);
    if (time < least) {
      least = time;
      best = size;
    }
  }
  return best;
}

}  // namespace

DecodePlan plan_decode(std::span<const std::int32_t> kv_lens, std::optional<std::int64_t> window,
                       std::int64_t units, std::int64_t slots) {
  std::vector<std::int64_t> keys;
  keys.reserve(kv_lens.size());
  for (const std::int32_t length : kv_lens) {
    keys.push_back(window ? std::min<std::int64_t>(length, *window) : length);
  }
  const std::int64_t size = best_size(keys, units, std::max<std::int64_t>(slots, 1));

  DecodePlan plan;
  for (std::size_t s = 0; s < kv_lens.size(); ++s) {
    const std::int64_t begin = kv_lens[s] - keys[s];
    const std::int64_t count = chunks_of(keys[s], size);
    // As even as pages allow.
    const std::int64_t step = up(std::max<std::int64_t>((keys[s] + count - 1) / count, 1), kAlign);
    const auto first_chunk = static_cast<std::int32_t>(plan.chunks.size());
    for (std::int64_t first = begin; first < kv_lens[s] || first == begin; first += step) {
      plan.chunks.push_back(
          {static_cast<std::int32_t>(s), static_cast<std::int32_t>(first),
           static_cast<std::int32_t>(std::min<std::int64_t>(first + step, kv_lens[s])), 0});
    }
    const auto end = static_cast<std::int32_t>(plan.chunks.size());
    if (end - first_chunk > 1) {
      plan.parts.push_back({static_cast<std::int32_t>(s), first_chunk, end});
    } else {
      plan.chunks.back().alone = 1;
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
