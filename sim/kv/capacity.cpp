#include "sim/kv/capacity.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace terrace {
namespace {

// Published ranges: 0.5-1.5 GiB of context and libraries, 0.34-0.4 GiB of NCCL.
constexpr Bytes kLibraries{std::int64_t{1} << 30U};
constexpr Bytes kCommunication{std::int64_t{379} << 20U};

constexpr std::int64_t kActivationBytes = kUnquantisedBits / 8;
constexpr std::int64_t kLogitBytes = 3 * 4;

/// Elements per token that live while the widest product of a layer is computed.
std::int64_t widest(const ModelSpec& model, const Parallel& parallel) {
  std::int64_t most = 0;
  const auto around = [&](const std::vector<Product>& products) {
    for (const Product& p : products) {
      most = std::max(most, 2 * model.hidden + (p.n + p.k) * p.times);
    }
  };
  for (const LayerGroup& group : model.layers) {
    around(work(group.attention, model.hidden, parallel).products);
    const MlpWork mlp = work(group.mlp, model.hidden, parallel);
    around(mlp.products);
    const ExpertsWork& e = mlp.experts;
    most = std::max(most, 2 * model.hidden + e.top_k * (e.hidden + e.matrices * e.width));
  }
  return most;
}

}  // namespace

Bytes engine_reserve(const ModelSpec& model, const Parallel& parallel, Tokens batch,
                     std::int64_t sequences) {
  const std::int64_t activations = batch.count() * widest(model, parallel) * kActivationBytes;
  const std::int64_t logits = sequences * model.vocabulary * kLogitBytes;
  const bool alone = parallel.tensor == 1 && parallel.expert == 1 && parallel.pipeline == 1;
  return kLibraries + (alone ? Bytes{} : kCommunication) + Bytes{std::max(activations, logits)};
}

std::int64_t fitting_blocks(const HbmBudget& budget) {
  if (budget.for_kv() <= Bytes{}) return 0;
  const std::int64_t blocks = budget.for_kv().count() / budget.block.count();
  return blocks >= 2 ? blocks : 0;
}

std::int64_t hbm_blocks(const HbmBudget& budget) {
  if (const std::int64_t blocks = fitting_blocks(budget); blocks > 0) return blocks;
  const auto gib = [](Bytes bytes) { return static_cast<double>(bytes.count()) / (1ULL << 30U); };
  throw Infeasible(fmt::format(
      "the model does not fit: {:.1f} GiB of GPU memory x {} leaves {:.1f} GiB for KV after {:.1f} "
      "GiB of weights and {:.1f} GiB of reserve; raise serving.tensor_parallel, take a GPU with "
      "more memory, or a smaller weight_dtype{}",
      gib(budget.memory), budget.utilization, gib(budget.for_kv()), gib(budget.weights),
      gib(budget.reserve),
      budget.reserve > budget.weights ? "; or lower max_num_batched_tokens or max_num_seqs" : ""));
}

}  // namespace terrace
