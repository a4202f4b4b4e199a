#include "calibrate/measuring/families/attention.hpp"

#include <algorithm>
#include <numeric>

#include "sim/base/random.hpp"
#include "sim/base/shuffle.hpp"

namespace terrace::calibrate::family {
namespace {

std::int64_t pages_of(std::int64_t tokens) { return (tokens + kPage - 1) / kPage; }

std::vector<std::int32_t> shuffled(std::int64_t count, std::uint64_t seed) {
  std::vector<std::int32_t> pages(static_cast<std::size_t>(count));
  std::iota(pages.begin(), pages.end(), 0);
  Random random(seed, "calibrate/pages");
  shuffle(pages, random);
  return pages;
}

/// Pages of the pool: what keeps it cold, and what one launch needs.
std::int64_t pool_pages(const Operands& operands, Bytes page,
                        const std::vector<std::int32_t>& lengths) {
  return std::max(operands.cold().count() / page.count(), PageTurns::pages(lengths));
}

kernels::PagedKv paged(Operands& operands, kernels::Element type, const Heads& heads,
                       std::int64_t pages) {
  const std::int64_t half = heads.kv * kPage * heads.dim;  // elements of a block's keys
  const kernels::ConstArray keys = operands.pool(type, pages * 2 * half);
  const auto* begin = static_cast<const std::byte*>(keys.begin);
  const kernels::ConstArray values{type, begin + half * kernels::bytes_of(type)};
  kernels::PagedKv kv =
      kernels::paged_kv(kernels::KvLayout::hnd, keys, values, heads.kv, kPage, heads.dim);
  kv.block_stride = 2 * half;
  return kv;
}

}  // namespace

PageTurns::PageTurns(std::vector<std::int32_t> lengths, std::int64_t pool, std::int64_t most,
                     std::uint64_t seed)
    : lengths_(std::move(lengths)) {
  for (const std::int32_t length : lengths_) width_ = std::max(width_, pages_of(length));
  const std::vector<std::int32_t> order = shuffled(pool, seed);
  const std::int64_t turns = std::clamp<std::int64_t>(pool / pages(lengths_), 1, most);
  auto next = order.begin();
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    std::vector<std::int32_t>& table =
        tables_.emplace_back(static_cast<std::size_t>(width_ * std::ssize(lengths_)), 0);
    auto row = table.begin();
    for (const std::int32_t length : lengths_) {
      std::copy_n(next, pages_of(length), row);
      next += pages_of(length);
      row += width_;
    }
  }
}

std::int64_t PageTurns::pages(const std::vector<std::int32_t>& lengths) {
  std::int64_t all = 0;
  for (const std::int32_t length : lengths) all += pages_of(length);
  return std::max<std::int64_t>(all, 1);
}

PagedCache::PagedCache(Operands& operands, kernels::Element type, const Heads& heads,
                       std::vector<std::int32_t> lengths, bool cold)
    : kv(paged(operands, type, heads, pool_pages(operands, kv_bytes(type, heads, kPage), lengths))),
      turns(lengths, pool_pages(operands, kv_bytes(type, heads, kPage), lengths),
            cold ? Operands::kMostTurns : 1, 1) {}

Bytes kv_bytes(kernels::Element type, const Heads& heads, std::int64_t tokens) {
  return Bytes{2 * tokens * heads.kv * heads.dim * kernels::bytes_of(type)};
}

bool worth_hot(const Extent& extent, Bytes kv) {
  using namespace literals;
  // Of what a processor calls its last cache, a guest may own a small part.
  return kv * 2 <= (extent.gpu ? extent.cache : std::min(extent.cache, 64_MiB));
}

}  // namespace terrace::calibrate::family
