#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "calibrate/labs/attention.hpp"

namespace terrace::labs {
namespace {

using kernels::Array;
using kernels::ConstArray;
using kernels::Element;
using kernels::PagedLatent;

/// What latents are multiplied with to become a layer's keys and values, by head.
struct Expansion {
  Expansion(kernels::KernelSet& set, const LayerWeights& weights) : norm(weights.latent_norm) {
    for (const Matrix& matrix : weights.keys_of) keys.emplace_back(set, matrix);
    for (const Matrix& matrix : weights.values_of) values.emplace_back(set, matrix);
  }

  std::vector<float> norm;
  std::vector<Projection> keys{};
  std::vector<Projection> values{};
};

/// Multi-head latent attention (DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1) in its absorbed
/// form: queries are taken to the latents instead of latents to keys, for new tokens of any number.
/// It costs a long prompt more products than keys and values of its own would, and needs no room
/// for them.
class LatentAttention final : public Attention {
 public:
  LatentAttention(const Shape& shape, const Weights& weights, TimedKernels& kernels,
                  Threads& threads)
      : shape_(shape),
        kernels_(kernels),
        threads_(threads),
        plain_(kernels.set(), shape.element),
        latents_(kernels.set(), shape.element),
        absorbed_(kernels.set(), Element::fp32),
        queries_(kernels.set(), shape.element),
        found_(kernels.set(), shape.element),
        by_head_(kernels.set(), shape.element),
        values_(kernels.set(), shape.element) {
    for (const LayerWeights& layer : weights.layers) {
      expansions_.emplace_back(kernels.set(), layer);
    }
  }

  void run(std::int64_t layer, const StepPlan& plan, KvPool& pool, float* projected,
           Buffer& attended) override {
    const Expansion& expansion = expansions_[static_cast<std::size_t>(layer)];
    const std::int64_t rows = plan.rows();
    split(plan, expansion, projected);
    pool.write(layer, 0, plan.slots, latents_.as_const());
    absorb(rows, expansion, projected);

    found_.reserve(rows * shape_.heads * PagedLatent::kLatent);
    const auto key_dim = static_cast<float>(shape_.head_dim + PagedLatent::kRope);
    kernels_.run(kernels::MlaDecode{queries_.as_const(), shape_.heads, pool.latents(layer),
                                    plan.decode.view(), 1 / std::sqrt(key_dim), found_.array()});
    expand(rows, expansion, attended);
  }

 private:
  [[nodiscard]] std::int64_t head_width() const { return shape_.head_dim + PagedLatent::kRope; }

  /// Makes what the cache keeps of a token, and puts the plain parts of queries by head.
  void split(const StepPlan& plan, const Expansion& expansion, float* projected) {
    const std::int64_t rows = plan.rows();
    const std::int64_t dim = shape_.head_dim;
    plain_.reserve(shape_.heads * rows * dim);
    latents_.reserve(rows * PagedLatent::kWidth);
    rotation_.prepare(plan.longest);
    each_row(threads_, rows, shape_.in_rows(), [&](std::int64_t row) {
      float* x = projected + row * shape_.in_rows();
      const std::int64_t position = plan.positions[static_cast<std::size_t>(row)];
      for (std::int64_t h = 0; h < shape_.heads; ++h) {
        float* head = x + h * head_width();
        round_row(head, dim, plain_.host(), (h * rows + row) * dim);
        rotation_.turn(head + dim, position);
      }
      float* latent = x + shape_.heads * head_width();
      rotation_.turn(latent + PagedLatent::kLatent, position);
      norm_row(latent, expansion.norm, latents_.host(), row * PagedLatent::kWidth);
      round_row(latent + PagedLatent::kLatent, PagedLatent::kRope, latents_.host(),
                row * PagedLatent::kWidth + PagedLatent::kLatent);
    });
    plain_.upload(shape_.heads * rows * dim);
    latents_.upload(rows * PagedLatent::kWidth);
  }

  /// Queries as the cache can be asked with: to the latent, and the rotated part behind it.
  void absorb(std::int64_t rows, const Expansion& expansion, const float* projected) {
    constexpr std::int64_t kLatent = PagedLatent::kLatent;
    absorbed_.reserve(shape_.heads * rows * kLatent);
    for (std::int64_t h = 0; h < shape_.heads; ++h) {
      expansion.keys[static_cast<std::size_t>(h)].apply(
          kernels_, rows, after(plain_.as_const(), h * rows * shape_.head_dim),
          after(absorbed_.array(), h * rows * kLatent));
    }
    absorbed_.download(shape_.heads * rows * kLatent);
    queries_.reserve(rows * shape_.heads * PagedLatent::kWidth);
    const float* absorbed = absorbed_.numbers();
    each_row(threads_, rows, shape_.heads * PagedLatent::kWidth, [&](std::int64_t row) {
      for (std::int64_t h = 0; h < shape_.heads; ++h) {
        const std::int64_t place = (row * shape_.heads + h) * PagedLatent::kWidth;
        const float* head = projected + row * shape_.in_rows() + h * head_width();
        round_row(absorbed + (h * rows + row) * kLatent, kLatent, queries_.host(), place);
        round_row(head + shape_.head_dim, PagedLatent::kRope, queries_.host(), place + kLatent);
      }
    });
    queries_.upload(rows * shape_.heads * PagedLatent::kWidth);
  }

  /// From latents by weight to values by weight.
  void expand(std::int64_t rows, const Expansion& expansion, Buffer& attended) {
    constexpr std::int64_t kLatent = PagedLatent::kLatent;
    const std::int64_t dim = shape_.head_dim;
    found_.download(rows * shape_.heads * kLatent);
    by_head_.reserve(rows * shape_.heads * kLatent);
    transpose(rows, shape_.heads, kLatent, found_.host(), by_head_.host());
    by_head_.upload(rows * shape_.heads * kLatent);
    values_.reserve(rows * shape_.heads * dim);
    for (std::int64_t h = 0; h < shape_.heads; ++h) {
      expansion.values[static_cast<std::size_t>(h)].apply(
          kernels_, rows, after(by_head_.as_const(), h * rows * kLatent),
          after(values_.array(), h * rows * dim));
    }
    values_.download(rows * shape_.heads * dim);
    transpose(shape_.heads, rows, dim, values_.host(), attended.host());
    attended.upload(rows * shape_.heads * dim);
  }

  /// [a][b][numbers] to [b][a][numbers].
  void transpose(std::int64_t a, std::int64_t b, std::int64_t numbers, Array from, Array to) {
    const auto bytes = static_cast<std::size_t>(numbers * kernels::bytes_of(from.type));
    each_row(threads_, a, b * numbers, [&](std::int64_t i) {
      for (std::int64_t j = 0; j < b; ++j) {
        std::copy_n(after(from, (i * b + j) * numbers).as<std::byte>(), bytes,
                    after(to, (j * a + i) * numbers).as<std::byte>());
      }
    });
  }

  Shape shape_;
  TimedKernels& kernels_;
  Threads& threads_;
  std::vector<Expansion> expansions_;
  Rotation rotation_{PagedLatent::kRope};
  Buffer plain_;     // [head][row][head_dim]
  Buffer latents_;   // [row][576]
  Buffer absorbed_;  // [head][row][512]
  Buffer queries_;   // [row][head][576]
  Buffer found_;     // [row][head][512]
  Buffer by_head_;   // [head][row][512]
  Buffer values_;    // [head][row][head_dim]
};

}  // namespace

std::unique_ptr<Attention> latent_attention(const Shape& shape, const Weights& weights,
                                            TimedKernels& kernels, Threads& threads) {
  return std::make_unique<LatentAttention>(shape, weights, kernels, threads);
}

}  // namespace terrace::labs
