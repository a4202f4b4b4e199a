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
// the enum, and two functions on it: describe() for files, work() for everything else. Which
// kind a layer is only `terrace model` asks outside this folder, and the checks of scenarios.

/// Keys and values per KV head; kv_heads = heads is MHA, fewer is GQA, one is MQA.
struct FullAttention {
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 1;
  bool qk_norm = false;      // norms on the heads of queries and keys (Qwen3, Gemma 3)
  bool output_gate = false;  // the output is multiplied by a gate as wide as the queries (Qwen3.5)

  friend bool operator==(const FullAttention&, const FullAttention&) = default;
};

/// Attends to the last `window` tokens, itself included.
struct SlidingAttention : FullAttention {
  Tokens window{1};

  friend bool operator==(const SlidingAttention&, const SlidingAttention&) = default;
};

/// Attends to the tokens of its own chunk: 0 .. chunk - 1, chunk .. 2 chunk - 1, ... (Llama 4).
struct ChunkedAttention : FullAttention {
  Tokens chunk{1};

  friend bool operator==(const ChunkedAttention&, const ChunkedAttention&) = default;
};

/// DeepSeek's multi-head latent attention: a token leaves one latent vector, shared by all heads.
struct LatentAttention {
  std::int64_t heads = 1;
  std::int64_t q_lora = 0;  // rank of the query projection; 0: not factorised
  std::int64_t kv_lora = 1;
  std::int64_t rope_dim = 1;
  std::int64_t nope_dim = 1;
  std::int64_t v_dim = 1;

  friend bool operator==(const LatentAttention&, const LatentAttention&) = default;
};

/// DeepSeek's sparse attention (V3.2): the same, to the `top_k` tokens that score best with an
/// indexer whose keys of `index_dim` fp8 elements, and one fp32 scale, are kept for every token.
struct SparseLatentAttention : LatentAttention {
  Tokens top_k{1};
  std::int64_t index_heads = 1;
  std::int64_t index_dim = 1;

  friend bool operator==(const SparseLatentAttention&, const SparseLatentAttention&) = default;
};

/// Linear attention with a gated output: gated delta nets, lightning attention. A sequence leaves a
/// state of heads x key_dim x value_dim fp32 elements, however long it is; the last inputs of the
/// short convolution that some have before it are left out (below 2 % of that).
struct LinearAttention {
  std::int64_t heads = 1;      // of values, and of states
  std::int64_t key_heads = 1;  // of queries and of keys
  std::int64_t key_dim = 1;
  std::int64_t value_dim = 1;

  friend bool operator==(const LinearAttention&, const LinearAttention&) = default;
};

/// A decoder attends to the encoder's output, whose keys and values are made once per input.
struct CrossAttention : FullAttention {
  friend bool operator==(const CrossAttention&, const CrossAttention&) = default;
};

struct DenseMlp {
  std::int64_t width = 1;
  bool gated = true;  // three matrices (SwiGLU, GeGLU) instead of two

  friend bool operator==(const DenseMlp&, const DenseMlp&) = default;
};

/// A router sends every token to `top_k` of the experts; the shared experts see every token.
struct MoeMlp {
  std::int64_t experts = 1;
  std::int64_t top_k = 1;
  std::int64_t width = 1;  // of each expert
  bool gated = true;
  std::int64_t shared_experts = 0;
  std::int64_t shared_width = 0;  // of each; 0: `width`

  friend bool operator==(const MoeMlp&, const MoeMlp&) = default;
};

/// None: a layer with two attentions, such as that of a decoder that also attends to an encoder, is
/// written as two, the first without MLP.
struct NoMlp {
  friend bool operator==(const NoMlp&, const NoMlp&) = default;
};

using Attention = std::variant<FullAttention, SlidingAttention, ChunkedAttention, LatentAttention,
                               SparseLatentAttention, LinearAttention, CrossAttention>;
using Mlp = std::variant<DenseMlp, MoeMlp, NoMlp>;

/// In the order of the alternatives of Attention and Mlp.
enum class AttentionKind { full, sliding, chunked, mla, sparse_mla, linear, cross };
enum class MlpKind { dense, moe, none };

template <>
struct config::Names<AttentionKind> {
  static constexpr std::string_view kKind = "attention";
  static constexpr std::array<std::pair<std::string_view, AttentionKind>, 7> kList{
      {{"full", AttentionKind::full},
       {"sliding", AttentionKind::sliding},
       {"chunked", AttentionKind::chunked},
       {"mla", AttentionKind::mla},
       {"sparse_mla", AttentionKind::sparse_mla},
       {"linear", AttentionKind::linear},
       {"cross", AttentionKind::cross}}};
};

template <>
struct config::Names<MlpKind> {
  static constexpr std::string_view kKind = "MLP";
  static constexpr std::array<std::pair<std::string_view, MlpKind>, 3> kList{
      {{"dense", MlpKind::dense}, {"moe", MlpKind::moe}, {"none", MlpKind::none}}};
};

/// What a layer does on one GPU. Query heads shard by `tensor`, KV heads by min(tensor, kv_heads),
/// a latent and what makes it not at all, MLPs by width, experts by width or, if `expert` > 1,
/// whole. What does not divide is rounded up. REQUIRES: parallel holds ones or more.
AttentionWork work(const Attention& attention, std::int64_t hidden, const Parallel& parallel);
MlpWork work(const Mlp& mlp, std::int64_t hidden, const Parallel& parallel);

void describe(config::Fields& f, Attention& attention);
void describe(config::Fields& f, Mlp& mlp);

}  // namespace terrace
