#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/element.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/units.hpp"

/// A small decoder-only transformer that really computes, and an engine that really serves it: what
/// the simulator is compared with on a machine at hand. Weights are random but fixed by a seed.
namespace terrace::labs {

enum class AttentionKind : std::uint8_t { grouped, latent };  // MHA, GQA and MQA are grouped

struct Shape {
  std::int64_t layers = 4;
  std::int64_t width = 512;  // of the residual stream
  AttentionKind attention = AttentionKind::grouped;
  std::int64_t heads = 8;
  std::int64_t kv_heads = 2;  // grouped
  std::int64_t head_dim = 64;
  std::int64_t mlp = 1536;
  std::int64_t vocabulary = 2048;
  std::int64_t page = 16;                             // tokens of a block
  kernels::Element element = kernels::Element::bf16;  // of weights and KV
  std::uint64_t seed = 1;

  /// Of one block, all layers: what moves between tiers.
  [[nodiscard]] Bytes block_bytes() const;
};

/// What one sequence adds in a step: its newest tokens, in order, behind `computed` earlier ones
/// whose KV is in the listed blocks. Blocks have room for the new ones too.
struct SequenceStep {
  std::span<const std::int32_t> tokens;
  std::int64_t computed = 0;
  std::span<const std::int32_t> blocks;  // of the pool, by position
};

class Transformer {
 public:
  /// The pool holds `blocks` blocks, in the memory of `kernels`, which has to outlive this.
  Transformer(const Shape& shape, std::int64_t blocks, kernels::KernelSet& kernels);
  ~Transformer();

  [[nodiscard]] const Shape& shape() const;

  /// Computes all sequences of a step together, keeps their new KV, and returns the logits after
  /// the last new token of each: [sequence][vocabulary].
  std::vector<float> step(std::span<const SequenceStep> sequences);

  /// The same for a whole sequence without any cache, however long: the oracle.
  std::vector<float> logits_without_cache(std::span<const std::int32_t> tokens);

  /// A block's KV as one run of shape().block_bytes() bytes, and back into a block.
  void save_block(std::int32_t block, std::span<std::byte> to);
  void load_block(std::int32_t block, std::span<const std::byte> from);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace terrace::labs
