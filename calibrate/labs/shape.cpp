#include "calibrate/labs/shape.hpp"

#include "sim/base/check.hpp"

namespace terrace::labs {

using kernels::PagedLatent;

std::int64_t Shape::in_rows() const {
  return attention == AttentionKind::grouped
             ? (heads + 2 * kv_heads) * head_dim
             : heads * (head_dim + PagedLatent::kRope) + PagedLatent::kWidth;
}

std::int64_t Shape::parameters() const {
  std::int64_t layer = (in_rows() + heads * head_dim + 3 * mlp) * width;
  if (attention == AttentionKind::latent) layer += 2 * heads * head_dim * PagedLatent::kLatent;
  return layers * layer + 2 * vocabulary * width;
}

void check(const Shape& shape) {
  TERRACE_CHECK(shape.layers > 0 && shape.width > 0 && shape.mlp > 0 && shape.page > 0);
  TERRACE_CHECK(shape.vocabulary > 0 && shape.heads > 0 && shape.head_dim > 0);
  TERRACE_CHECK(shape.head_dim % 16 == 0);
  TERRACE_CHECK(shape.attention == AttentionKind::latent ||
                (shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0));
  TERRACE_CHECK(shape.element == kernels::Element::bf16 || shape.element == kernels::Element::fp32);
}

}  // namespace terrace::labs
