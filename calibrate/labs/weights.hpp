#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "calibrate/labs/shape.hpp"
#include "kernels/array.hpp"

namespace terrace::labs {

/// What a projection multiplies with: y = W x. Rows without gaps.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  kernels::Element type = kernels::Element::fp32;
  std::vector<std::byte> bytes{};

  [[nodiscard]] kernels::ConstArray view() const { return {type, bytes.data()}; }
  /// As it was rounded.
  [[nodiscard]] float at(std::int64_t row, std::int64_t column) const;
};

struct LayerWeights {
  std::vector<float> attention_norm{};  // gains, [width]
  std::vector<float> mlp_norm{};

  /// grouped: queries [heads * head_dim], keys and values [kv_heads * head_dim each].
  /// latent: queries [heads * (head_dim + 64)], of a head its plain part first; then the latent
  /// [512] and the key to be rotated [64].
  Matrix in{};
  Matrix out{};      // [width][heads * head_dim]
  Matrix gate_up{};  // [2 * mlp][width], gates first
  Matrix down{};     // [width][mlp]

  // Of latent attention: what its latents are multiplied with after their norm.
  std::vector<float> latent_norm{};  // [512]
  std::vector<Matrix> keys_of{};     // by head, transposed: [512][head_dim]
  std::vector<Matrix> values_of{};   // by head: [head_dim][512]
};

/// Random, the same for the same shape: uniform, with the variance that keeps numbers of all layers
/// near 1, and queries large enough that a token does not look at all others alike.
struct Weights {
  explicit Weights(const Shape& shape);

  Matrix embedding{};  // [vocabulary][width]
  std::vector<LayerWeights> layers{};
  std::vector<float> norm{};
  Matrix head{};  // [vocabulary][width]
};

}  // namespace terrace::labs
