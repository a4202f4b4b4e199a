#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "sim/config/fields.hpp"
#include "sim/model/work.hpp"

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

/// What a layer does on one GPU. Query heads shard by `tensor`, KV heads by min(tensor, kv_heads),
/// a latent and what makes it not at all, MLPs by width, experts by width or, if `expert` > 1,
/// whole. What does not divide is rounded up. REQUIRES: parallel holds ones or more.
AttentionWork work(const Attention& attention, std::int64_t hidden, const Parallel& parallel);
MlpWork work(const Mlp& mlp, std::int64_t hidden, const Parallel& parallel);

void describe(config::Fields& f, Attention& attention);
void describe(config::Fields& f, Mlp& mlp);

}  // namespace terrace
