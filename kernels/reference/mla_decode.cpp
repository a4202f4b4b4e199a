#include "kernels/mla_decode.hpp"

#include <vector>

#include "kernels/reference/elements.hpp"
#include "kernels/reference/reference_set.hpp"
#include "kernels/reference/softmax.hpp"

namespace terrace::kernels {
namespace {

using reference::load;
using reference::store;

void attend(const MlaDecode& op, std::int64_t sequence, std::int64_t head) {
  const std::int64_t length = op.table.kv_lens[static_cast<std::size_t>(sequence)];
  const std::int64_t row = sequence * op.heads + head;
  const auto latent = [&](std::int64_t t, std::int64_t d) {
    const auto entry = static_cast<std::size_t>(sequence * op.table.width + t / op.kv.page);
    return static_cast<double>(op.kv.scale) *
           load(op.kv.tokens, op.kv.offset(op.table.blocks[entry], t % op.kv.page) + d);
  };

  std::vector<double> share;
  for (std::int64_t t = 0; t < length; ++t) {
    double dot = 0;
    for (std::int64_t d = 0; d < PagedLatent::kWidth; ++d) {
      dot += load(op.q, row * PagedLatent::kWidth + d) * latent(t, d);
    }
    share.push_back(static_cast<double>(op.scale) * dot);
  }
  if (!share.empty()) reference::softmax(share);
  for (std::int64_t d = 0; d < PagedLatent::kLatent; ++d) {
    double sum = 0;
    for (std::int64_t t = 0; t < length; ++t)
      sum += share[static_cast<std::size_t>(t)] * latent(t, d);
    store(op.out, row * PagedLatent::kLatent + d, sum);
  }
}

}  // namespace

void ReferenceSet::compute(const MlaDecode& op) {
  for (std::int64_t s = 0; s < op.table.sequences(); ++s) {
    for (std::int64_t h = 0; h < op.heads; ++h) attend(op, s, h);
  }
}

}  // namespace terrace::kernels
