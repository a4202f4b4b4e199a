#include "sim/study/mrc/reuse_distance.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

/// std::popcount, which without a machine's own instruction is a call and a table.
std::uint32_t ones(std::uint64_t x) {
  x -= (x >> 1U) & 0x5555555555555555U;
  x = (x & 0x3333333333333333U) + ((x >> 2U) & 0x3333333333333333U);
  x = (x + (x >> 4U)) & 0x0F0F0F0F0F0F0F0FU;
  return static_cast<std::uint32_t>((x * 0x0101010101010101U) >> 56U);
}

}  // namespace

std::uint32_t ReuseDistances::access(std::uint32_t item) {
  if (now_ == 64 * bits_.size()) compact();
  if (item >= last_.size())
    last_.resize(std::max<std::size_t>(item + 1UL, 3 * last_.size() / 2), kNever);
  const std::uint32_t last = last_[item];
  std::uint32_t distance = kNever;
  if (last == kNever) {
    ++items_;
  } else {
    distance = items_ - before(last);
    forget(last);
  }
  last_[item] = now_;
  bits_[now_ / 64] |= std::uint64_t{1} << (now_ % 64);
  if (++now_ % kBits == 0) close_count();
  return distance;
}

void ReuseDistances::remove(std::uint32_t item) {
  TERRACE_CHECK(last_[item] != kNever);
  forget(last_[item]);
  last_[item] = kNever;
  --items_;
}

/// Bits set before `time`.
std::uint32_t ReuseDistances::before(std::uint32_t time) const {
  std::uint32_t sum = within(time);
  for (std::size_t i = time / kBits; i > 0; i &= i - 1) sum += tree_[i];
  return sum;
}

/// The same, from the beginning of the count that `time` belongs to.
std::uint32_t ReuseDistances::within(std::uint32_t time) const {
  std::uint32_t sum = 0;
  for (std::size_t word = time / kBits * kWords; word < time / 64; ++word) sum += ones(bits_[word]);
  return sum + ones(bits_[time / 64] & ((std::uint64_t{1} << (time % 64)) - 1));
}

void ReuseDistances::forget(std::uint32_t time) {
  bits_[time / 64] &= ~(std::uint64_t{1} << (time % 64));
  if (time / kBits == now_ / kBits) return;  // its count is not in the tree yet
  for (std::size_t i = time / kBits + 1; i < tree_.size(); i += i & (~i + 1)) --tree_[i];
}

void ReuseDistances::close_count() {
  const std::uint32_t count = within(now_ - 1) + 1;
  for (std::size_t i = now_ / kBits; i < tree_.size(); i += i & (~i + 1)) tree_[i] += count;
}

/// Keeps the order of the last accesses, and nothing of the gaps between them.
void ReuseDistances::compact() {
  for (std::uint32_t& last : last_) {
    if (last != kNever) last = before(last);
  }
  resize(items_);
}

/// A row that begins with `kept` set bits.
void ReuseDistances::resize(std::uint32_t kept) {
  const std::size_t counts = std::max(kShortest, kStretch * kept) / kBits + 1;
  TERRACE_CHECK(counts * kBits < kNever);
  bits_.assign(counts * kWords, 0);
  tree_.assign(counts + 1, 0);
  std::fill_n(bits_.begin(), kept / 64, ~std::uint64_t{0});
  if (kept % 64 > 0) bits_[kept / 64] = (std::uint64_t{1} << (kept % 64)) - 1;
  for (std::size_t i = 1; i <= kept / kBits; ++i) tree_[i] += kBits;
  for (std::size_t i = 1; i < tree_.size(); ++i) {
    const std::size_t parent = i + (i & (~i + 1));
    if (parent < tree_.size()) tree_[parent] += tree_[i];
  }
  now_ = kept;
}

}  // namespace terrace
