#include "sim/model/model.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

/// Sums are of doubles, exact up to 2^53, so that no file can make them overflow.
double real(std::int64_t n) { return static_cast<double>(n); }

Bytes bytes(double elements, std::int64_t width) {
  constexpr double kMost = 9e18;
  return Bytes{static_cast<std::int64_t>(std::min(std::ceil(elements * real(width) / 8), kMost))};
}

double sum_of(const std::vector<Product>& products) {
  double sum = 0;
  for (const Product& product : products) sum += real(product.weights());
  return sum;
}

double held(const ExpertsWork& experts) { return real(experts.local); }
double used(const ExpertsWork& experts) { return real(experts.top_k); }

/// The groups of both halves.
std::vector<const LayerGroup*> all_groups(const ModelSpec& model) {
  std::vector<const LayerGroup*> all;
  for (const LayerGroup& group : model.layers) all.push_back(&group);
  if (!model.encoder) return all;
  for (const LayerGroup& group : model.encoder->layers) all.push_back(&group);
  return all;
}

/// Weights of attention and MLP in all layers; of the experts of a layer, `counted(experts)` count.
template <class Counted>
double layer_weights(const ModelSpec& model, const Parallel& parallel, Counted counted) {
  double sum = 0;
  for (const LayerGroup* group : all_groups(model)) {
    const AttentionWork attention = work(group->attention, model.hidden, parallel);
    const MlpWork mlp = work(group->mlp, model.hidden, parallel);
    sum += real(group->count) *
           (sum_of(attention.products) + sum_of(attention.encoder_products) + sum_of(mlp.products) +
            counted(mlp.experts) * real(mlp.experts.weights_of_one()));
  }
  return sum;
}

template <class Work>
std::int64_t norms_of(const Work& work) {
  return std::count_if(work.pointwise.begin(), work.pointwise.end(),
                       [](const Pointwise& p) { return p.op == Op::layernorm; });
}

/// Embedding, LM head unless it is the same matrix, norms of the layers and one after the last.
double unquantised(const ModelSpec& model, std::int64_t tp) {
  std::int64_t norms = model.encoder ? 2 : 1;
  for (const LayerGroup* group : all_groups(model)) {
    norms += group->count * (norms_of(work(group->attention, model.hidden, {})) +
                             norms_of(work(group->mlp, model.hidden, {})));
  }
  const std::int64_t rows = (model.tied_embeddings ? 1 : 2) * share(model.vocabulary, tp);
  return real(rows + norms) * real(model.hidden);
}

/// Bytes that the caches of all layers hold of one sequence: of `kept(cache)` tokens, and as state.
template <class Kept>
Bytes cached(const ModelSpec& model, DType kv, const Parallel& parallel, Kept kept, bool state) {
  double elements = 0;
  double rest = 0;  // bytes
  for (const LayerGroup& group : model.layers) {
    const CacheWork cache = work(group.attention, model.hidden, parallel).cache;
    const double tokens = real(group.count) * real(kept(cache).count());
    elements += tokens * real(cache.elements);
    rest += tokens * real(cache.fixed.count());
    if (state) rest += real(group.count) * real(cache.state.count());
  }
  TERRACE_CHECK(parallel.pipeline >= 1);
  const double whole = real(bytes(elements, bits(kv)).count()) + rest;
  return bytes(whole / parallel.pipeline, 8);
}

Tokens encoder_tokens(const ModelSpec& model) {
  return model.encoder ? model.encoder->tokens : Tokens{};
}

bool is_cross(const LayerGroup& group) {
  return std::holds_alternative<CrossAttention>(group.attention);
}

}  // namespace

double parameters(const ModelSpec& model) {
  return layer_weights(model, {}, held) + unquantised(model, 1);
}

double active_parameters(const ModelSpec& model) {
  return layer_weights(model, {}, used) + unquantised(model, 1);
}

Bytes kv_bytes_per_token_per_gpu(const ModelSpec& model, DType kv, const Parallel& parallel) {
  const auto one_more = [](const CacheWork& cache) {
    return cache.reach == Reach::encoder ? Tokens{} : Tokens{1};
  };
  return cached(model, kv, parallel, one_more, false);
}

Bytes kv_bytes_per_token(const ModelSpec& model, DType kv) {
  return kv_bytes_per_token_per_gpu(model, kv, {});
}

Bytes kv_bytes_of_sequence(const ModelSpec& model, DType kv, const Parallel& parallel,
                           Tokens context) {
  const auto kept = [&](const CacheWork& cache) {
    switch (cache.reach) {
      case Reach::all:
      case Reach::chosen:
        return context;
      case Reach::window:
      case Reach::chunk:  // the longest of those so far
        return std::min(context, cache.span);
      case Reach::encoder:
        return encoder_tokens(model);
    }
    return context;
  };
  return cached(model, kv, parallel, kept, true);
}

Bytes fixed_bytes_per_sequence(const ModelSpec& model, DType kv, const Parallel& parallel) {
  return kv_bytes_of_sequence(model, kv, parallel, Tokens{});
}

Bytes weight_bytes_per_gpu(const ModelSpec& model, const Parallel& parallel) {
  TERRACE_CHECK(parallel.pipeline >= 1);
  const Bytes layers = bytes(layer_weights(model, parallel, held), bits(model.weight_dtype));
  const Bytes rest = bytes(unquantised(model, parallel.tensor), kUnquantisedBits);
  return bytes((real(layers.count()) + real(rest.count())) / parallel.pipeline, 8);
}

std::vector<BoundedReach> bounded_reaches(const ModelSpec& model) {
  std::vector<BoundedReach> all;
  for (const LayerGroup& group : model.layers) {
    for (const AttentionKernel& kernel : work(group.attention, model.hidden, {}).kernels) {
      const BoundedReach reach{kernel.reach, kernel.span};
      const bool known = std::find(all.begin(), all.end(), reach) != all.end();
      if (reach.reach != Reach::all && !known) all.push_back(reach);
    }
  }
  return all;
}

void describe(config::Fields& f, LayerGroup& group) {
  f.required("count", group.count, "how many layers are like this", config::between(1, 1024));
  f.object("attention", group.attention, "the attention of each", true);
  f.object("mlp", group.mlp, "the MLP of each", true);
}

void describe(config::Fields& f, EncoderSpec& encoder) {
  f.required("tokens", encoder.tokens, "of one input, at most", config::between(1, 1e9));
  f.list("layers", encoder.layers, "groups of equal layers", true);
  f.check(!encoder.layers.empty(), "layers", "'layers' must hold at least one group");
  f.check(std::none_of(encoder.layers.begin(), encoder.layers.end(), is_cross), "layers",
          "an encoder has no cross-attention");
}

void describe(config::Fields& f, ModelSpec& model) {
  f.required("name", model.name, "what reports call it");
  f.required("hidden", model.hidden, "elements of a token between layers",
             config::between(1, 262144));
  f.required("vocabulary", model.vocabulary, "rows of the embedding and of the LM head",
             config::between(1, 1e7));
  f.required("tied_embeddings", model.tied_embeddings, "whether the LM head is the embedding");
  f.required("max_context", model.max_context, "longest sequence it was made for",
             config::between(1, 1e9));
  f.field("weight_dtype", model.weight_dtype,
          "of attention and MLP weights; embedding, LM head and norms have 16 bits");
  f.field("published_parameters", model.published_parameters,
          "what its makers say, to compare with the shapes", config::kPositive);
  f.list("layers", model.layers, "groups of equal layers, of the decoder if there are two", true);
  f.object("encoder", model.encoder, "what reads the input before the first token is decoded");
  f.required("source", model.source, "where the shapes come from");
  f.check(!model.layers.empty(), "layers", "'layers' must hold at least one group");
  const bool cross = std::any_of(model.layers.begin(), model.layers.end(), is_cross);
  f.check(cross || !model.encoder, "encoder", "no layer attends to the encoder",
          "a group of 'layers' has to have attention: {kind: cross, ...}");
  f.check(!cross || model.encoder, "layers", "cross-attention has nothing to attend to",
          "describe the 'encoder'");
}

}  // namespace terrace
