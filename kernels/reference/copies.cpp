#include "kernels/reference/reference_set.hpp"

namespace terrace::kernels {
namespace {

/// Calls `f` with each byte's place in the pool and in the staging buffer.
template <class F>
void each_byte(const BlockFragments& fragments, std::span<const std::int32_t> blocks, const F& f) {
  std::size_t staged = 0;
  for (const std::int32_t block : blocks) {
    for (std::int64_t i = 0; i < fragments.count; ++i) {
      for (std::int64_t b = 0; b < fragments.size.count(); ++b) {
        f(fragments.offset(block, i) + b, staged++);
      }
    }
  }
}

}  // namespace

void ReferenceSet::compute(const BlockGather& op) {
  each_byte(op.fragments, op.blocks,
            [&](std::int64_t place, std::size_t i) { op.staging[i] = op.pool[place]; });
}

void ReferenceSet::compute(const BlockScatter& op) {
  each_byte(op.fragments, op.blocks,
            [&](std::int64_t place, std::size_t i) { op.pool[place] = op.staging[i]; });
}

void ReferenceSet::compute(const StreamCopy& op) {
  for (std::size_t i = 0; i < op.from.size(); ++i) op.to[i] = op.from[i];
}

void ReferenceSet::compute(const StreamRead& op) {
  *op.sum = 0;
  for (const std::uint64_t word : op.from) *op.sum += word;
}

void ReferenceSet::compute(const StreamWrite& op) {
  for (std::uint64_t& word : op.to) word = op.word;
}

}  // namespace terrace::kernels
