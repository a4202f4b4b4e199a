#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/cpu/cpu_set.hpp"

namespace terrace::kernels {
namespace {

// Bytes of a stream: many pieces, each of many pages. memcpy sends them through the caches; only a
// single copy of hundreds of MB goes past them, which is faster.
constexpr std::size_t kPiece = 1U << 20U;

/// Calls f(first, count) for runs of at most `piece` of `size` things.
template <class F>
void by_runs(cpu::Threads& threads, std::size_t size, std::size_t piece, const F& f) {
  threads.run((size + piece - 1) / piece,
              [&](std::size_t i) { f(i * piece, std::min(piece, size - i * piece)); });
}

/// Calls f(place in the pool, place in the staging buffer) for each fragment.
template <class F>
void by_blocks(cpu::Threads& threads, const BlockFragments& fragments,
               std::span<const std::int32_t> blocks, const F& f) {
  const std::int64_t block_bytes = fragments.size.count() * fragments.count;
  const std::size_t per_piece =
      std::max<std::size_t>(kPiece / static_cast<std::size_t>(block_bytes), 1);
  by_runs(threads, blocks.size(), per_piece, [&](std::size_t first, std::size_t count) {
    for (std::size_t b = first; b < first + count; ++b) {
      for (std::int64_t i = 0; i < fragments.count; ++i) {
        f(fragments.offset(blocks[b], i),
          static_cast<std::int64_t>(b) * block_bytes + i * fragments.size.count());
      }
    }
  });
}

}  // namespace

void CpuSet::compute(const BlockGather& op) {
  const auto size = static_cast<std::size_t>(op.fragments.size.count());
  by_blocks(threads_, op.fragments, op.blocks, [&](std::int64_t place, std::int64_t staged) {
    std::memcpy(op.staging.data() + staged, op.pool + place, size);
  });
}

void CpuSet::compute(const BlockScatter& op) {
  const auto size = static_cast<std::size_t>(op.fragments.size.count());
  by_blocks(threads_, op.fragments, op.blocks, [&](std::int64_t place, std::int64_t staged) {
    std::memcpy(op.pool + place, op.staging.data() + staged, size);
  });
}

void CpuSet::compute(const StreamCopy& op) {
  by_runs(threads_, op.from.size(), kPiece, [&](std::size_t first, std::size_t count) {
    std::memcpy(op.to.data() + first, op.from.data() + first, count);
  });
}

void CpuSet::compute(const StreamRead& op) {
  constexpr std::size_t kWords = kPiece / sizeof(std::uint64_t);
  std::vector<std::uint64_t> sums((op.from.size() + kWords - 1) / kWords);
  by_runs(threads_, op.from.size(), kWords, [&](std::size_t first, std::size_t count) {
    const auto run = op.from.subspan(first, count);
    sums[first / kWords] = std::accumulate(run.begin(), run.end(), std::uint64_t{0});
  });
  *op.sum = std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

void CpuSet::compute(const StreamWrite& op) {
  constexpr std::size_t kWords = kPiece / sizeof(std::uint64_t);
  by_runs(threads_, op.to.size(), kWords, [&](std::size_t first, std::size_t count) {
    std::fill_n(op.to.begin() + static_cast<std::ptrdiff_t>(first), count, op.word);
  });
}

}  // namespace terrace::kernels
