#include "calibrate/labs/weights.hpp"

#include <cmath>
#include <string>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace terrace::labs {
namespace {

using kernels::PagedLatent;

/// A number of variance 1 from 32 bits.
double uniform(std::uint32_t bits) { return (bits * 0x1p-32 - 0.5) * std::sqrt(12.0); }

Matrix random_matrix(std::int64_t rows, std::int64_t columns, double deviation,
                     kernels::Element type, Random random) {
  Matrix matrix{
      rows, columns, type,
      std::vector<std::byte>(static_cast<std::size_t>(rows * columns * kernels::bytes_of(type)))};
  const kernels::Array to{type, matrix.bytes.data()};
  kernels::with_elements(to, [&]<class T>(T* out) {
    for (std::int64_t i = 0; i < rows * columns; i += 2) {
      const std::uint64_t bits = random.next();
      out[i] = kernels::round_to<T>(
          static_cast<float>(deviation * uniform(static_cast<std::uint32_t>(bits))));
      if (i + 1 == rows * columns) break;
      out[i + 1] = kernels::round_to<T>(
          static_cast<float>(deviation * uniform(static_cast<std::uint32_t>(bits >> 32U))));
    }
  });
  return matrix;
}

std::vector<float> random_gains(std::int64_t size, Random random) {
  std::vector<float> gains(static_cast<std::size_t>(size));
  for (float& gain : gains) gain = static_cast<float>(0.8 + 0.4 * random.uniform());
  return gains;
}

/// How far a row is from being multiplied by what it has to be: numbers of variance 1 stay so.
double keeping(std::int64_t columns) { return 1 / std::sqrt(static_cast<double>(columns)); }

constexpr double kSharpness = 1.5;  // of queries and keys each

class Draw {
 public:
  Draw(const Shape& shape, std::string name)
      : shape_(shape), random_(shape.seed, "labs/weights/" + name) {}

  [[nodiscard]] Matrix matrix(std::string_view name, std::int64_t rows, std::int64_t columns,
                              double gain = 1) const {
    return random_matrix(rows, columns, gain * keeping(columns), shape_.element,
                         random_.fork(name));
  }
  [[nodiscard]] std::vector<float> gains(std::string_view name, std::int64_t size) const {
    return random_gains(size, random_.fork(name));
  }

 private:
  const Shape& shape_;
  Random random_;
};

LayerWeights layer_weights(const Shape& shape, std::int64_t layer) {
  const Draw draw(shape, std::to_string(layer));
  LayerWeights weights;
  weights.attention_norm = draw.gains("attention_norm", shape.width);
  weights.mlp_norm = draw.gains("mlp_norm", shape.width);
  weights.in = draw.matrix("in", shape.in_rows(), shape.width, kSharpness);
  weights.out = draw.matrix("out", shape.width, shape.heads * shape.head_dim);
  weights.gate_up = draw.matrix("gate_up", 2 * shape.mlp, shape.width);
  weights.down = draw.matrix("down", shape.width, shape.mlp);
  if (shape.attention == AttentionKind::grouped) return weights;
  weights.latent_norm = draw.gains("latent_norm", PagedLatent::kLatent);
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    const Draw head(shape, std::to_string(layer) + '/' + std::to_string(h));
    // Transposed: a key's number is a sum over the latent's.
    const double gain = kSharpness * keeping(PagedLatent::kLatent) / keeping(shape.head_dim);
    weights.keys_of.push_back(head.matrix("keys", PagedLatent::kLatent, shape.head_dim, gain));
    weights.values_of.push_back(head.matrix("values", shape.head_dim, PagedLatent::kLatent));
  }
  return weights;
}

}  // namespace

float Matrix::at(std::int64_t row, std::int64_t column) const {
  float found = 0;
  kernels::with_elements(
      view(), [&](const auto* x) { found = kernels::to_float(x[row * columns + column]); });
  return found;
}

Weights::Weights(const Shape& shape) {
  const Draw draw(shape, "ends");
  embedding = draw.matrix("embedding", shape.vocabulary, shape.width, 1 / keeping(shape.width));
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    layers.push_back(layer_weights(shape, layer));
  }
  norm = draw.gains("norm", shape.width);
  head = draw.matrix("head", shape.vocabulary, shape.width);
}

}  // namespace terrace::labs
