#include "calibrate/labs/kv_pool.hpp"

#include <limits>

#include "sim/base/check.hpp"

namespace terrace::labs {

using kernels::BlockFragments;
using kernels::ConstArray;

KvPool::KvPool(const Shape& shape, std::int64_t layers, std::int64_t blocks,
               kernels::KernelSet& kernels)
    : shape_(shape),
      layers_(layers),
      blocks_(blocks),
      kernels_(kernels),
      fragment_bytes_(shape.page * shape.token_numbers() * kernels::bytes_of(shape.element)) {
  TERRACE_CHECK(blocks > 0 && blocks * shape.page <= std::numeric_limits<Slot>::max() / 2);
  const Bytes block = fragment_bytes_ * (layers * shape.fragments());
  memory_ = kernels.allocate(block * blocks);
  staging_ = kernels.allocate(block);
}

std::int64_t KvPool::fragment_offset(std::int64_t layer, std::int64_t fragment) const {
  return (layer % layers_ * shape_.fragments() + fragment) * blocks_ * fragment_bytes_.count();
}

kernels::PagedKv KvPool::kv(std::int64_t layer) const {
  const ConstArray keys{shape_.element, memory_.get() + fragment_offset(layer, 0)};
  const ConstArray values{shape_.element, memory_.get() + fragment_offset(layer, 1)};
  return kernels::paged_kv(kernels::KvLayout::hnd, keys, values, shape_.kv_heads, shape_.page,
                           shape_.head_dim);
}

kernels::PagedLatent KvPool::latents(std::int64_t layer) const {
  return {{shape_.element, memory_.get() + fragment_offset(layer, 0)}, shape_.page};
}

void KvPool::write(std::int64_t layer, std::int64_t fragment, std::span<const Slot> slots,
                   ConstArray rows) {
  // To the kernel that scatters blocks, a token is a block of small fragments, one for each head.
  // With slots counted in tokens of one head, a block of all heads is kv_heads pages of them.
  const bool grouped = shape_.attention == AttentionKind::grouped;
  const std::int64_t heads = grouped ? shape_.kv_heads : 1;
  const Bytes size{shape_.token_numbers() / heads * kernels::bytes_of(shape_.element)};
  std::vector<std::int32_t> places;
  places.reserve(slots.size());
  for (const Slot slot : slots) {
    const std::int64_t block = slot / shape_.page;
    places.push_back(static_cast<std::int32_t>(block * heads * shape_.page + slot % shape_.page));
  }
  const auto count = static_cast<std::size_t>(size.count() * heads) * slots.size();
  kernels_.run(kernels::BlockScatter{std::span(static_cast<const std::byte*>(rows.begin), count),
                                     BlockFragments{size, heads, size, size * shape_.page}, places,
                                     memory_.get() + fragment_offset(layer, fragment)});
}

BlockFragments KvPool::fragments() const {
  return {fragment_bytes_, layers_ * shape_.fragments(), fragment_bytes_,
          fragment_bytes_ * blocks_};
}

void KvPool::save(std::int32_t block, std::span<std::byte> to) {
  TERRACE_CHECK(block >= 0 && block < blocks_);
  const std::span staging(staging_.get(), to.size());
  kernels_.run(kernels::BlockGather{memory_.get(), fragments(), std::span(&block, 1), staging});
  kernels_.download(to, staging_.get());
}

void KvPool::load(std::int32_t block, std::span<const std::byte> from) {
  TERRACE_CHECK(block >= 0 && block < blocks_);
  kernels_.upload(staging_.get(), from);
  const std::span<const std::byte> staging(staging_.get(), from.size());
  kernels_.run(kernels::BlockScatter{staging, fragments(), std::span(&block, 1), memory_.get()});
}

}  // namespace terrace::labs
