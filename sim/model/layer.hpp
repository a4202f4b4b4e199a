#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "sim/config/fields.hpp"

namespace terrace {

// A layer is an attention and an MLP, each of some kind. A kind is a struct of shapes, its name in
// the enum, and two functions on it: describe() for files, work() for everything else. Nobody
// outside this file and its source asks which kind a layer is.

/// Keys and values per KV head; kv_heads = heads is MHA, fewer is GQA, one is MQA.
struct FullAttention {
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 1;
};

/// DeepSeek's multi-head latent attention: a token leaves one latent vector, shared by all heads.
struct LatentAttention {
  std::int64_t heads = 1;
  std::int64_t q_lora = 0;  // rank of the query projection; 0: not factorised
  std::int64_t kv_lora = 1;
  std::int64_t rope_dim = 1;
  std::int64_t nope_dim = 1;
  std::int64_t v_dim = 1;
};

struct DenseMlp {
  std::int64_t width = 1;
  bool gated = true;  // three matrices (SwiGLU, GeGLU) instead of two
};

/// A router sends every token to `top_k` of the experts; the shared experts see every token.
struct MoeMlp {
  std::int64_t experts = 1;
  std::int64_t top_k = 1;
  std::int64_t width = 1;  // of each expert
  bool gated = true;
  std::int64_t shared_experts = 0;  // each of `width`
};

using Attention = std::variant<FullAttention, LatentAttention>;
using Mlp = std::variant<DenseMlp, MoeMlp>;

/// In the order of the alternatives of Attention and Mlp.
enum class AttentionKind { full, mla };
enum class MlpKind { dense, moe };

template <>
struct config::Names<AttentionKind> {
  static constexpr std::string_view kKind = "attention";
  static constexpr std::array<std::pair<std::string_view, AttentionKind>, 2> kList{
      {{"full", AttentionKind::full}, {"mla", AttentionKind::mla}}};
};

template <>
struct config::Names<MlpKind> {
  static constexpr std::string_view kKind = "MLP";
  static constexpr std::array<std::pair<std::string_view, MlpKind>, 2> kList{
      {{"dense", MlpKind::dense}, {"moe", MlpKind::moe}}};
};

/// What one attention layer holds and does on one GPU of a tensor-parallel group. Counts are of
/// elements and of floating-point operations; a pair is a query with a key it attends to.
struct AttentionWork {
  std::int64_t weights = 0;      // all read in a step, and two operations each per token
  std::int64_t kv_elements = 0;  // a token leaves in the cache, and each later query reads
  double pair_flops = 0;         // attending to keys and values that are spelled out
  double expand_flops = 0;       // spelling them out, per cached token, from what the cache holds
  double cached_pair_flops = 0;  // attending to what the cache holds as it is: decode
  std::int64_t written = 0;      // elements per token that the kernels between the GEMMs write
  std::int64_t kernels = 0;
};

/// The same of an MLP. Without experts the last three are zero.
struct MlpWork {
  std::int64_t weights = 0;  // that every token uses
  std::int64_t written = 0;
  std::int64_t kernels = 0;
  std::int64_t expert_weights = 0;  // of one expert
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
};

/// Query heads shard by `tp`, KV heads by min(tp, kv_heads), a latent and what makes it not at all,
/// MLPs and every expert by width. What does not divide is rounded up. REQUIRES: tp >= 1.
AttentionWork work(const Attention& attention, std::int64_t hidden, int tp);
MlpWork work(const Mlp& mlp, std::int64_t hidden, int tp);

void describe(config::Fields& f, Attention& attention);
void describe(config::Fields& f, Mlp& mlp);

}  // namespace terrace
