#include "sim/model/model.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

std::int64_t share(std::int64_t total, std::int64_t parts) { return (total + parts - 1) / parts; }

Bytes bytes(std::int64_t elements, std::int64_t width) { return Bytes{share(elements * width, 8)}; }

template <class Work>
std::int64_t weights(const Work& work) {
  std::int64_t sum = 0;
  for (const Product& product : work.products) sum += product.weights();
  return sum;
}

std::int64_t held(const ExpertsWork& experts) { return experts.local; }
std::int64_t used(const ExpertsWork& experts) { return experts.total > 0 ? experts.top_k : 0; }

/// Calls f(group) for all layers, of the encoder, too.
template <class F>
void for_each_group(const ModelSpec& model, F f) {
  for (const LayerGroup& group : model.layers) f(group);
  if (!model.encoder) return;
  for (const LayerGroup& group : model.encoder->layers) f(group);
}

/// Weights of attention and MLP in all layers; of the experts of a layer, `counted(experts)` count.
template <class Counted>
std::int64_t layer_weights(const ModelSpec& model, const Parallel& parallel, Counted counted) {
  std::int64_t sum = 0;
  for_each_group(model, [&](const LayerGroup& group) {
    const AttentionWork attention = work(group.attention, model.hidden, parallel);
    const MlpWork mlp = work(group.mlp, model.hidden, parallel);
    sum += group.count * (weights(attention) + weights(mlp) +
                          counted(mlp.experts) * mlp.experts.weights_of_one());
  });
  return sum;
}

/// Embedding, LM head unless it is the same matrix, two norms per layer and one after the last.
std::int64_t unquantised(const ModelSpec& model, std::int64_t tp) {
  std::int64_t norms = model.encoder ? 2 : 1;
  for_each_group(model, [&](const LayerGroup& group) { norms += 2 * group.count; });
  const std::int64_t rows = (model.tied_embeddings ? 1 : 2) * share(model.vocabulary, tp);
  return (rows + norms) * model.hidden;
}

/// Bytes that the caches of all layers hold for one sequence that has kept `kept(cache)` tokens.
template <class Kept>
Bytes cached(const ModelSpec& model, DType kv, const Parallel& parallel, Kept kept) {
  std::int64_t elements = 0;
  Bytes fixed;
  for (const LayerGroup& group : model.layers) {
    const CacheWork cache = work(group.attention, model.hidden, parallel).cache;
    const std::int64_t tokens = group.count * kept(cache).count();
    elements += tokens * cache.elements;
    fixed += cache.fixed * tokens;
  }
  return bytes(elements, bits(kv)) + fixed;
}

Bytes states(const ModelSpec& model, const Parallel& parallel) {
  Bytes sum;
  for (const LayerGroup& group : model.layers) {
    sum += work(group.attention, model.hidden, parallel).cache.state * group.count;
  }
  return sum;
}

Bytes of_stage(Bytes total, const Parallel& parallel) {
  TERRACE_CHECK(parallel.pipeline >= 1);
  return Bytes{share(total.count(), parallel.pipeline)};
}

Tokens encoder_tokens(const ModelSpec& model) {
  return model.encoder ? model.encoder->tokens : Tokens{};
}

}  // namespace

double parameters(const ModelSpec& model) {
  return static_cast<double>(layer_weights(model, {}, held) + unquantised(model, 1));
}

double active_parameters(const ModelSpec& model) {
  return static_cast<double>(layer_weights(model, {}, used) + unquantised(model, 1));
}

Bytes kv_bytes_per_token_per_gpu(const ModelSpec& model, DType kv, const Parallel& parallel) {
  const auto one_more = [](const CacheWork& cache) {
    return cache.reach == Reach::encoder ? Tokens{} : Tokens{1};
  };
  return of_stage(cached(model, kv, parallel, one_more), parallel);
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
      case Reach::chunk:
        return std::min(context, cache.span);
      case Reach::encoder:
        return encoder_tokens(model);
    }
    return context;
  };
  return of_stage(cached(model, kv, parallel, kept) + states(model, parallel), parallel);
}

Bytes fixed_bytes_per_sequence(const ModelSpec& model, DType kv, const Parallel& parallel) {
  return kv_bytes_of_sequence(model, kv, parallel, Tokens{});
}

Bytes weight_bytes_per_gpu(const ModelSpec& model, const Parallel& parallel) {
  const Bytes layers = bytes(layer_weights(model, parallel, held), bits(model.weight_dtype));
  return of_stage(layers + bytes(unquantised(model, parallel.tensor), kUnquantisedBits), parallel);
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
  f.required("published_parameters", model.published_parameters,
             "what its makers say, to compare with the shapes", config::kPositive);
  f.list("layers", model.layers, "groups of equal layers, of the decoder if there are two", true);
  f.object("encoder", model.encoder, "what reads the input before the first token is decoded");
  f.required("source", model.source, "where the shapes come from");
  f.check(!model.layers.empty(), "layers", "'layers' must hold at least one group");
}

}  // namespace terrace
