#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/cost/estimate.hpp"
#include "sim/model/dtype.hpp"
#include "sim/model/work.hpp"

namespace terrace {

/// What the attention of one layer sees in a step.
struct AttentionBatch {
  std::int64_t decodes = 0;
  Tokens context{};  // that the decodes attend to, summed
  Tokens longest{};  // that one of them attends to
  std::span<const PrefillChunk> prefills{};
};

/// Queries times keys of a chunk, as far as the kernel reaches. O(1).
double pairs(const AttentionKernel& kernel, const PrefillChunk& chunk);

/// Tokens before a chunk that some token of it attends to.
Tokens prefix_met(const AttentionKernel& kernel, const PrefillChunk& chunk);

/// The attention kernels of one layer on one GPU, all that can be decided beforehand decided.
class AttentionLaw {
 public:
  virtual ~AttentionLaw() = default;

  /// O(prefills). REQUIRES: decodes or prefills.
  [[nodiscard]] virtual Estimate time(const AttentionBatch& batch) const = 0;
};

/// What a GPU's share of some routed experts has to do in a step, as expected values.
struct Routed {
  std::int64_t tokens = 0;  // of all GPUs that share the experts
  double pairs = 0;         // of a token and an expert, on this GPU
  double touched = 0;       // experts of this GPU that see a token
};

enum class Collective : std::uint8_t { all_reduce, all_gather, reduce_scatter, send };

/// How long single kernels take on one GPU: what the back ends differ in. A time includes the
/// kernel's launch within a CUDA graph.
class Kernels {
 public:
  virtual ~Kernels() = default;

  [[nodiscard]] virtual Estimate product(const Product& product, DType weights,
                                         std::int64_t tokens) const = 0;
  [[nodiscard]] virtual Estimate pointwise(const Pointwise& kernel, std::int64_t tokens) const = 0;

  /// Routing, the experts' products, and the sum of what they say.
  [[nodiscard]] virtual Estimate experts(const ExpertsWork& experts, DType weights,
                                         const Routed& routed) const = 0;

  [[nodiscard]] virtual std::unique_ptr<AttentionLaw> attention(const AttentionKernel& kernel,
                                                                DType kv) const = 0;

  /// `bytes` are those of the longer side on one GPU: what a reduction takes, what others give.
  [[nodiscard]] virtual Estimate collective(Collective op, Bytes bytes, int gpus) const = 0;

  /// What was not measured, and what stands in for it: one line each.
  [[nodiscard]] virtual std::vector<std::string> caveats() const { return {}; }
};

}  // namespace terrace
