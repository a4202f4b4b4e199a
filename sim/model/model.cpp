#include "sim/model/model.hpp"

#include "sim/base/check.hpp"

namespace terrace {
namespace {

Bytes bytes(std::int64_t elements, std::int64_t width) { return Bytes{(elements * width + 7) / 8}; }

/// Two norms before the parts of every layer and one after the last.
std::int64_t norm_elements(const ModelSpec& model) {
  std::int64_t layers = 0;
  for (const LayerGroup& group : model.layers) layers += group.count;
  return (2 * layers + 1) * model.hidden;
}

/// Rows of the embedding and, unless it is the same matrix, of the LM head.
std::int64_t vocabulary_rows(const ModelSpec& model, std::int64_t tp) {
  return (model.tied_embeddings ? 1 : 2) * ((model.vocabulary + tp - 1) / tp);
}

/// Weights of attention and MLP in all layers; of the experts of a layer, `counted(mlp)` count.
template <class Counted>
std::int64_t layer_weights(const ModelSpec& model, int tp, Counted counted) {
  std::int64_t sum = 0;
  for (const LayerGroup& group : model.layers) {
    const MlpWork mlp = work(group.mlp, model.hidden, tp);
    sum += group.count * (work(group.attention, model.hidden, tp).weights + mlp.weights +
                          counted(mlp) * mlp.expert_weights);
  }
  return sum;
}

std::int64_t held(const MlpWork& mlp) { return mlp.experts; }
std::int64_t used(const MlpWork& mlp) { return mlp.top_k; }

std::int64_t unquantised(const ModelSpec& model, int tp) {
  return vocabulary_rows(model, tp) * model.hidden + norm_elements(model);
}

}  // namespace

double parameters(const ModelSpec& model) {
  return static_cast<double>(layer_weights(model, 1, held) + unquantised(model, 1));
}

double active_parameters(const ModelSpec& model) {
  return static_cast<double>(layer_weights(model, 1, used) + unquantised(model, 1));
}

Bytes kv_bytes_per_token_per_gpu(const ModelSpec& model, DType kv, int tp) {
  std::int64_t elements = 0;
  for (const LayerGroup& group : model.layers) {
    elements += group.count * work(group.attention, model.hidden, tp).kv_elements;
  }
  return bytes(elements, bits(kv));
}

Bytes kv_bytes_per_token(const ModelSpec& model, DType kv) {
  return kv_bytes_per_token_per_gpu(model, kv, 1);
}

Bytes weight_bytes_per_gpu(const ModelSpec& model, int tp) {
  TERRACE_CHECK(tp >= 1);
  return bytes(layer_weights(model, tp, held), bits(model.weight_dtype)) +
         bytes(unquantised(model, tp), kUnquantisedBits);
}

void describe(config::Fields& f, LayerGroup& group) {
  f.required("count", group.count, "how many layers are like this", config::between(1, 1024));
  f.object("attention", group.attention, "the attention of each", true);
  f.object("mlp", group.mlp, "the MLP of each", true);
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
  f.list("layers", model.layers, "groups of equal layers", true);
  f.required("source", model.source, "where the shapes come from");
  f.check(!model.layers.empty(), "layers", "'layers' must hold at least one group");
}

}  // namespace terrace
