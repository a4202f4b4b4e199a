#include "kernels/decode.hpp"

#include <algorithm>
#include <vector>

#include "kernels/reference/elements.hpp"
#include "kernels/reference/reference_set.hpp"
#include "kernels/reference/softmax.hpp"

namespace terrace::kernels {
namespace {

using reference::load;
using reference::store;

void attend(const PagedDecode& op, std::int64_t sequence, std::int64_t head) {
  const PagedKv& kv = op.kv;
  const std::int64_t kv_head = head / (op.heads / kv.kv_heads);
  const std::int64_t length = op.table.kv_lens[static_cast<std::size_t>(sequence)];
  const std::int64_t first =
      op.window ? std::max<std::int64_t>(length - *op.window, 0) : std::int64_t{0};
  const std::int64_t row = (sequence * op.heads + head) * kv.head_dim;

  std::vector<double> share;
  std::vector<std::int64_t> place;
  for (std::int64_t t = first; t < length; ++t) {
    const auto entry = static_cast<std::size_t>(sequence * op.table.width + t / kv.page);
    place.push_back(kv.offset(op.table.blocks[entry], kv_head, t % kv.page));
    double dot = 0;
    for (std::int64_t d = 0; d < kv.head_dim; ++d) {
      dot += load(op.q, row + d) * load(kv.keys, place.back() + d);
    }
    share.push_back(static_cast<double>(op.scale) * static_cast<double>(kv.key_scale) * dot);
  }
  if (!share.empty()) reference::softmax(share);
  for (std::int64_t d = 0; d < kv.head_dim; ++d) {
    double sum = 0;
    for (std::size_t i = 0; i < share.size(); ++i) sum += share[i] * load(kv.values, place[i] + d);
    store(op.out, row + d, static_cast<double>(kv.value_scale) * sum);
  }
}

}  // namespace

void ReferenceSet::compute(const PagedDecode& op) {
  for (std::int64_t s = 0; s < op.table.sequences(); ++s) {
    for (std::int64_t h = 0; h < op.heads; ++h) attend(op, s, h);
  }
}

}  // namespace terrace::kernels
