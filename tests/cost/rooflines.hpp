#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "sim/cost/roofline.hpp"
#include "sim/cost/step_model.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace::tests {

inline double milliseconds(Duration d) { return seconds(d) * 1e3; }

inline Batch decoding(std::int64_t sequences, std::int64_t context_each) {
  return {.decodes = sequences,
          .decode_context = Tokens{sequences * context_each},
          .decode_longest = Tokens{context_each},
          .samples = sequences};
}

/// One prompt's chunk; the prompt is completed, so that one token is sampled.
class Prefill {
 public:
  explicit Prefill(std::int64_t fresh, std::int64_t prefix = 0)
      : chunk_{PrefillChunk{Tokens{fresh}, Tokens{prefix}}} {}
  [[nodiscard]] Batch batch() const { return {.prefills = chunk_, .samples = 1}; }

 private:
  std::array<PrefillChunk, 1> chunk_;
};

/// A step on one GPU of `tp`, as a datasheet has it.
inline std::unique_ptr<CostModel> roofline(const ModelSpec& model, const GpuSpec& gpu, int tp = 1,
                                           DType kv = DType::bf16) {
  return make_step_model(
      model, {.parallel = {.tensor = tp}, .kv = kv, .overhead = gpu.efficiency.step_overhead},
      roofline_kernels(gpu));
}

inline std::unique_ptr<CostModel> roofline(const std::string& model, const std::string& gpu,
                                           int tp = 1, DType kv = DType::bf16) {
  return roofline(shipped_model(model), shipped_gpu(gpu), tp, kv);
}

// A model and a GPU that can be worked by hand.

inline ModelSpec small_model(Mlp mlp) {
  ModelSpec model;
  model.hidden = 256;
  model.vocabulary = 1000;
  model.layers = {{10, FullAttention{8, 2, 32}, mlp}};
  return model;
}

inline GpuSpec plain_gpu() {
  GpuSpec gpu;
  gpu.memory_bandwidth = Bandwidth{1e9};
  gpu.bf16 = FlopRate{1e11};
  gpu.fp8 = FlopRate{2e11};
  gpu.nvlink = Bandwidth{1e8};
  return gpu;
}

// Of its ten layers: weights of attention, and what its products and the kernels between them read
// or write per token, in elements; embedding and last norm included.
constexpr double kAttentionWeights = 10 * (256 * (256 + 2 * 64) + 256 * 256);
constexpr double kAttentionMoved = 10 * ((256 + 384) + (256 + 256) + 2 * 256 + (256 + 64));
constexpr double kEnds = 2 * 256;
constexpr double kHead = 1000 * 256;
constexpr double kHeadMoved = (1000 + 256) + 1000;  // the product's, the sampler's

/// Each of some hundred kernels is rounded up to the picosecond.
inline void expect_seconds(Duration actual, double expected) {
  EXPECT_NEAR(seconds(actual), expected, 1e-10 + 1e-12 * expected);
}

}  // namespace terrace::tests
