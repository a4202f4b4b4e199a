#include "sim/model/huggingface_shapes.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace terrace::huggingface {

ModelSpec base(Fields& f, bool tied, const Keys& keys, std::int64_t context) {
  ModelSpec model;
  model.hidden = f.size(keys.hidden, 262144);
  model.vocabulary = f.size("vocab_size", 10'000'000);
  model.tied_embeddings = f.flag_or("tie_word_embeddings", tied);
  model.max_context = Tokens{context > 0 ? f.size_or(keys.context, context) : f.size(keys.context)};
  return model;
}

std::int64_t head_dim(Fields& f, std::int64_t hidden, std::int64_t heads, std::string_view key,
                      std::int64_t fallback) {
  if (f.has("head_dim")) return f.size("head_dim", 16384);
  if (fallback > 0) return fallback;
  f.check(hidden % heads == 0, key,
          fmt::format("'{}' does not divide the hidden size of {}", key, hidden),
          "give 'head_dim' if heads are no share of the hidden size");
  return std::max<std::int64_t>(hidden / heads, 1);
}

FullAttention grouped(Fields& f, std::int64_t hidden, std::int64_t dim, const Keys& keys) {
  FullAttention a;
  a.heads = f.size(keys.heads, kMostHeads);
  a.kv_heads = f.size_or("num_key_value_heads", a.heads, 1, kMostHeads);
  f.check(a.heads % a.kv_heads == 0, "num_key_value_heads",
          "'num_key_value_heads' must divide 'num_attention_heads'");
  a.head_dim = head_dim(f, hidden, a.heads, keys.heads, dim);
  return a;
}

DenseMlp dense(Fields& f, bool gated) { return {f.size("intermediate_size", 1'000'000), gated}; }

MoeMlp experts(Fields& f, std::string_view count, std::string_view width) {
  MoeMlp m;
  m.experts = f.size(count, 4096);
  m.top_k = f.size("num_experts_per_tok", 4096);
  m.width = f.size(width, 1'000'000);
  f.check(m.top_k <= m.experts, "num_experts_per_tok",
          fmt::format("'num_experts_per_tok' must not exceed '{}'", count));
  return m;
}

void add(std::vector<LayerGroup>& groups, const Attention& attention, const Mlp& mlp) {
  const auto equal = std::find_if(groups.begin(), groups.end(), [&](const LayerGroup& group) {
    return group.attention == attention && group.mlp == mlp;
  });
  if (equal != groups.end()) {
    ++equal->count;
  } else {
    groups.push_back({1, attention, mlp});
  }
}

std::int64_t layers(Fields& f, const Keys& keys) { return f.size(keys.layers, kMostLayers); }

void all_layers(ModelSpec& model, std::int64_t count, const Attention& attention, const Mlp& mlp) {
  model.layers = {{count, attention, mlp}};
}

Attention sliding(Fields& f, const FullAttention& full, const ModelSpec& model,
                  std::int64_t fallback) {
  const Tokens window{f.size_or("sliding_window", fallback, 0)};
  if (window == Tokens{} || window >= model.max_context) return full;
  return SlidingAttention{full, window};
}

constexpr std::string_view kSliding = "sliding_attention";

std::optional<std::vector<std::string>> layer_types(Fields& f, std::int64_t count,
                                                    std::string_view known) {
  auto types = f.texts("layer_types");
  if (!types) return types;
  f.check(static_cast<std::int64_t>(types->size()) == count, "layer_types",
          fmt::format("'layer_types' names {} layers, but there are {}", types->size(), count));
  for (const std::string& type : *types) {
    f.check(type == "full_attention" || type == known, "layer_types",
            "a layer of an unknown kind in 'layer_types'",
            fmt::format("supported are: full_attention, {}", known));
  }
  types->resize(static_cast<std::size_t>(count));
  return types;
}

void windowed_layers(Fields& f, ModelSpec& model, const FullAttention& full, const Mlp& mlp,
                     std::int64_t window, std::int64_t pattern) {
  const std::int64_t count = layers(f);
  const Attention slides = sliding(f, full, model, window);
  const auto types = layer_types(f, count, kSliding);
  for (std::int64_t i = 0; i < count; ++i) {
    const bool is_full =
        types ? (*types)[static_cast<std::size_t>(i)] != kSliding : (i + 1) % pattern == 0;
    add(model.layers, is_full ? Attention{full} : slides, mlp);
  }
}

void dense_first(Fields& f, ModelSpec& model, const Attention& attention, std::int64_t fallback) {
  const std::int64_t count = layers(f);
  const std::int64_t first = f.size_or("first_k_dense_replace", fallback, 0);
  f.check(first <= count, "first_k_dense_replace",
          "'first_k_dense_replace' exceeds 'num_hidden_layers'");
  f.check(f.size_or("moe_layer_freq", 1) == 1, "moe_layer_freq",
          "only a 'moe_layer_freq' of 1 is supported");
  MoeMlp moe = experts(f, "n_routed_experts", "moe_intermediate_size");
  moe.shared_experts = f.size_or("n_shared_experts", 0, 0, 4096);
  const Mlp plain = first > 0 ? Mlp{dense(f)} : Mlp{moe};
  for (std::int64_t i = 0; i < count; ++i) {
    add(model.layers, attention, i < first ? plain : Mlp{moe});
  }
}

}  // namespace terrace::huggingface
