#pragma once

#include <cstdint>

#include "kernels/element.hpp"
#include "kernels/paged.hpp"
#include "sim/base/units.hpp"

namespace terrace::labs {

enum class AttentionKind : std::uint8_t {
  grouped,  // MHA, GQA and MQA: kv_heads says which
  latent    // MLA: a latent of 512 numbers and a rotated key of 64, shared by all heads
};

/// What a transformer looks like. Everything else about it follows from the seed.
struct Shape {
  std::int64_t layers = 4;
  std::int64_t width = 512;  // of the residual stream
  AttentionKind attention = AttentionKind::grouped;
  std::int64_t heads = 8;
  std::int64_t kv_heads = 2;   // grouped
  std::int64_t head_dim = 64;  // latent: of a value, and of a key before its rotated part
  std::int64_t mlp = 1536;
  std::int64_t vocabulary = 2048;
  std::int64_t page = 16;                             // tokens of a block
  kernels::Element element = kernels::Element::bf16;  // of weights and KV; fp32 for exactness
  std::uint64_t seed = 1;

  /// Of one block, all layers: what moves between tiers.
  [[nodiscard]] Bytes block_bytes() const {
    return Bytes{layers * fragments() * page * token_numbers() * kernels::bytes_of(element)};
  }
  /// Runs of memory that a layer's KV of a block consists of: keys and values, or latents.
  [[nodiscard]] std::int64_t fragments() const {
    return attention == AttentionKind::grouped ? 2 : 1;
  }
  /// Numbers of a token in one of them.
  [[nodiscard]] std::int64_t token_numbers() const {
    return attention == AttentionKind::grouped ? kv_heads * head_dim : kernels::PagedLatent::kWidth;
  }
  [[nodiscard]] std::int64_t blocks_for(std::int64_t tokens) const {
    return (tokens + page - 1) / page;
  }
  /// Numbers of a token's queries and what becomes its KV, which one projection computes.
  [[nodiscard]] std::int64_t in_rows() const;
  /// Numbers of all matrices and the embedding.
  [[nodiscard]] std::int64_t parameters() const;
};

/// Throws InvariantViolation if such a transformer cannot be: an odd head, no layer.
void check(const Shape& shape);

}  // namespace terrace::labs
