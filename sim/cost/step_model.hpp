#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// What a step model is made of, besides kernels.
struct StepSpec {
  Parallel parallel{};
  DType kv = DType::bf16;
  double routing_skew = 0;               // see Routing
  std::vector<std::int64_t> captured{};  // sizes of CUDA graphs, in tokens, ascending
  Duration overhead{};                   // host work of every step
  bool async = false;                    // ... done while the GPUs compute the step before
  Duration prompt_layer_overhead{};      // the same of each layer in a step with prompt tokens
  Duration eager_all_reduce{};           // added to an all-reduce that no CUDA graph holds
};

/// The time of a step as its kernels one after the other, as an engine's profile shows them:
///
///   embedding
///   each layer   norms, QKV, rotation and cache write, attention, O, all-reduce; norms, MLP or
///                router and experts, all-reduce
///   last norm, LM head of the sampled tokens, sampler
///
/// All that depends on the number of tokens alone is computed once for each number and looked up;
/// what remains per step is the attention. CUDA graphs exist for some numbers of tokens: fewer are
/// padded, beyond the largest the host launches kernel by kernel and may be what is slowest.
///
/// The host's work on a step comes on top, or, if it is done meanwhile, counts only where it takes
/// longer than the GPUs.
///
/// Whole experts (`expert` > 1) get their tokens by an all-gather and return them by a
/// reduce-scatter among the engines that step together, and nobody goes on before all have come
/// there; otherwise the all-reduce of a sharded MLP does both.
///
/// Pipeline stages hold equal parts of the layers; a batch passes them in as many equal parts as
/// there are stages, so that all are busy unless it has fewer tokens than that.
std::unique_ptr<CostModel> make_step_model(const ModelSpec& model, const StepSpec& spec,
                                           std::unique_ptr<const Kernels> kernels);

}  // namespace terrace
