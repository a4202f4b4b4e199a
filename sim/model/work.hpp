#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/model/dtype.hpp"

namespace terrace {

// What a layer does on one GPU, as lists of kernels: the one description that weights, KV bytes,
// FLOPs and step times all follow from.

/// How the GPUs that serve one replica share its model.
struct Parallel {
  int tensor = 1;    // attention by heads, MLPs by width
  int expert = 1;    // whole experts, spread over so many GPUs; 1: sharded by width as MLPs are
  int pipeline = 1;  // consecutive layers

  friend bool operator==(const Parallel&, const Parallel&) = default;
};

/// The largest share of `total` things that `parts` divide among them.
constexpr std::int64_t share(std::int64_t total, std::int64_t parts) {
  return (total + parts - 1) / parts;
}

/// What a kernel is for, in the words of vLLM's profiles.
enum class Op : std::uint8_t {
  embedding,
  layernorm,
  qkv_proj,
  qk_norm,
  rotary_emb,
  o_proj,
  gate_up_proj,
  act_fn,
  down_proj,
  router,
  shared_expert,
  q_a_proj,   // MLA: down to the rank of the queries ...
  q_b_proj,   // ... and up again
  kv_a_proj,  // hidden to latent
  absorb,     // the up-projections of keys and values, applied to queries and outputs
  indexer,    // what chooses the tokens of sparse attention
  in_proj,    // linear attention
  scan,
  final_layernorm,
  lm_head,
  sampler
};

/// As profiles have it: "qkv_proj".
std::string_view name(Op op);

/// A matrix product, [tokens, k] x [k, n], `times` over (once per head, or per matrix).
struct Product {
  Op op = Op::qkv_proj;
  std::int64_t n = 1;
  std::int64_t k = 1;
  std::int64_t times = 1;

  [[nodiscard]] std::int64_t weights() const { return n * k * times; }
};

/// A kernel between products that reads or writes so many elements per token.
struct Pointwise {
  Op op = Op::layernorm;
  std::int64_t elements = 0;
};

/// Which tokens before it a token attends to.
enum class Reach : std::uint8_t {
  all,
  window,   // the last `span`, itself included
  chunk,    // those of its own chunk of `span` (llama4)
  chosen,   // `span` of them, by an index
  encoder,  // those of the encoder's output
};

/// The attention of one layer on one GPU. With a latent, decode attends to latents of
/// `latent + rope` elements that all heads share; prefill spells keys and values out.
struct AttentionKernel {
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 1;   // of a query and a key
  std::int64_t value_dim = 1;  // of a value
  std::int64_t latent = 0;
  std::int64_t rope = 0;
  Reach reach = Reach::all;
  Tokens span{};

  friend bool operator==(const AttentionKernel&, const AttentionKernel&) = default;
};

/// The KV cache of one layer on one GPU.
struct CacheWork {
  std::int64_t elements = 0;  // per token it keeps, of the type of the KV cache
  Bytes fixed{};              // per token it keeps, whatever that type: index keys
  Reach reach = Reach::all;   // which tokens it keeps; `chosen` keeps all
  Tokens span{};
  Bytes state{};  // per sequence, whatever its length: linear attention
};

struct AttentionWork {
  std::vector<Product> products;
  std::vector<Pointwise> pointwise;
  // None if linear. That of an index comes second: it attends to all with keys but no values.
  std::vector<AttentionKernel> kernels;
  // Cross-attention: what makes keys and values, of each token of the encoder's output, once.
  std::vector<Product> encoder_products;
  CacheWork cache;
};

/// The routed experts of a layer as one GPU holds them.
struct ExpertsWork {
  std::int64_t total = 0;  // in the layer; 0: it has none
  std::int64_t local = 0;  // on this GPU
  std::int64_t top_k = 0;
  std::int64_t hidden = 0;
  std::int64_t width = 0;     // here
  std::int64_t matrices = 3;  // of hidden x width: three if gated

  [[nodiscard]] std::int64_t weights_of_one() const { return matrices * hidden * width; }
};

struct MlpWork {
  std::vector<Product> products;  // that every token sees
  std::vector<Pointwise> pointwise;
  ExpertsWork experts;
};

/// Tokens that a query sees of `context`, itself included; of an encoder, `encoder`.
constexpr Tokens attended(Reach reach, Tokens span, Tokens context, Tokens encoder = {}) {
  switch (reach) {
    case Reach::all:
      return context;
    case Reach::window:
    case Reach::chosen:
      return context < span ? context : span;
    case Reach::chunk:
      return context == Tokens{} ? context : Tokens{(context.count() - 1) % span.count() + 1};
    case Reach::encoder:
      return encoder;
  }
  return context;
}

}  // namespace terrace
