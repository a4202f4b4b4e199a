#include "kernels/prefill.hpp"

#include <limits>
#include <vector>

#include "kernels/reference/elements.hpp"
#include "kernels/reference/reference_set.hpp"
#include "kernels/reference/softmax.hpp"

namespace terrace::kernels {
namespace {

using reference::load;
using reference::store;

/// The new token in row `row`, which is the `position`-th of its sequence.
void attend(const PagedPrefill& op, std::int64_t sequence, std::int64_t row, std::int64_t position,
            std::int64_t head) {
  const PagedKv& kv = op.kv;
  const std::int64_t kv_head = head / (op.heads / kv.kv_heads);
  const std::int64_t q = (row * op.heads + head) * kv.head_dim;
  const auto seen = [&](std::int64_t t) { return !op.window || t > position - *op.window; };
  const auto place = [&](std::int64_t t) {
    const auto entry = static_cast<std::size_t>(sequence * op.table.width + t / kv.page);
    return kv.offset(op.table.blocks[entry], kv_head, t % kv.page);
  };

  std::vector<double> share;
  for (std::int64_t t = 0; t <= position; ++t) {
    share.push_back(-std::numeric_limits<double>::infinity());
    if (!seen(t)) continue;
    double dot = 0;
    for (std::int64_t d = 0; d < kv.head_dim; ++d) {
      dot += load(op.q, q + d) * load(kv.keys, place(t) + d);
    }
    share.back() = dot * static_cast<double>(kv.key_scale) * static_cast<double>(op.scale);
  }
  reference::softmax(share);
  for (std::int64_t d = 0; d < kv.head_dim; ++d) {
    double sum = 0;
    for (std::int64_t t = 0; t <= position; ++t) {
      if (seen(t)) sum += share[static_cast<std::size_t>(t)] * load(kv.values, place(t) + d);
    }
    store(op.out, q + d, sum * static_cast<double>(kv.value_scale));
  }
}

}  // namespace

void ReferenceSet::compute(const PagedPrefill& op) {
  for (std::int64_t s = 0; s < op.table.sequences(); ++s) {
    const auto i = static_cast<std::size_t>(s);
    const std::int64_t before = op.table.kv_lens[i] - (op.indptr[i + 1] - op.indptr[i]);
    for (std::int64_t row = op.indptr[i]; row < op.indptr[i + 1]; ++row) {
      for (std::int64_t h = 0; h < op.heads; ++h) {
        attend(op, s, row, before + row - op.indptr[i], h);
      }
    }
  }
}

}  // namespace terrace::kernels
