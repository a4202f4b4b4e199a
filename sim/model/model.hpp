#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"
#include "sim/model/dtype.hpp"
#include "sim/model/layer.hpp"

namespace terrace {

/// Equal layers. Their order in the model does not matter to cost or size.
struct LayerGroup {
  std::int64_t count = 1;
  Attention attention;
  Mlp mlp;

  friend bool operator==(const LayerGroup&, const LayerGroup&) = default;
};

/// The other half of an encoder-decoder model: it sees the whole input at once.
struct EncoderSpec {
  Tokens tokens{1};  // of one input, at most (whisper: of 30 s of speech)
  std::vector<LayerGroup> layers;

  friend bool operator==(const EncoderSpec&, const EncoderSpec&) = default;
};

/// The architecture of an LLM, as far as memory and time depend on it: what models/ holds.
/// Biases, positional embeddings, convolutions and multi-token-prediction heads are left out (below
/// 1 %, but for the last).
struct ModelSpec {
  std::string name;
  std::int64_t hidden = 1;
  std::int64_t vocabulary = 1;
  bool tied_embeddings = false;  // the LM head is the embedding
  Tokens max_context{1};
  // Of attention and MLP weights. Embedding, LM head and norms stay at 16 bits when these are
  // narrower, as in quantised checkpoints.
  DType weight_dtype = DType::bf16;
  std::optional<double> published_parameters;  // for comparison only
  std::vector<LayerGroup> layers;
  std::optional<EncoderSpec> encoder;
  std::string source;
};

/// Width of embedding, LM head, norms and activations.
constexpr std::int64_t kUnquantisedBits = 16;

/// All weights, embedding and LM head included.
double parameters(const ModelSpec& model);

/// The weights that one token uses: routed experts count `top_k` times, all else once.
double active_parameters(const ModelSpec& model);

/// KV cache that one more token of context takes, on one GPU: all layers, those with a window, too,
/// as engines hold them that do not free what has left it. Capacity, transfers and step time all
/// ask these functions. KV heads shard by min(tp, kv_heads), rounded up; an MLA latent is
/// replicated; pipeline stages are counted as their mean, rounded up. Scale factors of quantised
/// caches are left out.
Bytes kv_bytes_per_token_per_gpu(const ModelSpec& model, DType kv, const Parallel& parallel);

/// The same of the whole model, stored once.
Bytes kv_bytes_per_token(const ModelSpec& model, DType kv);

/// What a sequence of `context` tokens needs at least, on one GPU: layers with a window keep no
/// more than the window; states and the encoder's keys and values included.
Bytes kv_bytes_of_sequence(const ModelSpec& model, DType kv, const Parallel& parallel,
                           Tokens context);

/// What a running sequence takes whatever its length: states of linear attention, keys and values
/// of the encoder's output.
Bytes fixed_bytes_per_sequence(const ModelSpec& model, DType kv, const Parallel& parallel);

/// Weights that one GPU holds. Embedding and LM head shard by rows, norms are replicated; pipeline
/// stages are counted as their mean, rounded up.
Bytes weight_bytes_per_gpu(const ModelSpec& model, const Parallel& parallel);

/// A way of layers to attend to some tokens only; the span of the encoder's output is not told
/// here.
struct BoundedReach {
  Reach reach = Reach::window;
  Tokens span{1};

  friend bool operator==(const BoundedReach&, const BoundedReach&) = default;
};

/// Those of the model's attention kernels, the encoder's own left out; each once, in the order of
/// the layers.
std::vector<BoundedReach> bounded_reaches(const ModelSpec& model);

void describe(config::Fields& f, LayerGroup& group);
void describe(config::Fields& f, EncoderSpec& encoder);
void describe(config::Fields& f, ModelSpec& model);

}  // namespace terrace
