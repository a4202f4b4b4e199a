#include "sim/model/huggingface_architectures.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace terrace {
namespace {

using Fields = HuggingFaceConfig;

constexpr std::int64_t kMostLayers = 1024;
constexpr std::int64_t kMostHeads = 4096;

/// The keys of what every decoder has; the older ones have names of their own.
struct Keys {
  std::string_view hidden = "hidden_size";
  std::string_view layers = "num_hidden_layers";
  std::string_view heads = "num_attention_heads";
  std::string_view context = "max_position_embeddings";
};

constexpr Keys kGpt2Keys{"n_embd", "n_layer", "n_head", "n_positions"};

ModelSpec base(Fields& f, bool tied, const Keys& keys = {}, std::int64_t context = 0) {
  ModelSpec model;
  model.hidden = f.size(keys.hidden, 262144);
  model.vocabulary = f.size("vocab_size", 10'000'000);
  model.tied_embeddings = f.flag_or("tie_word_embeddings", tied);
  model.max_context = Tokens{context > 0 ? f.size_or(keys.context, context) : f.size(keys.context)};
  return model;
}

std::int64_t head_dim(Fields& f, std::int64_t hidden, std::int64_t heads, std::string_view key,
                      std::int64_t fallback = 0) {
  if (f.has("head_dim")) return f.size("head_dim", 16384);
  if (fallback > 0) return fallback;
  f.check(hidden % heads == 0, key,
          fmt::format("'{}' does not divide the hidden size of {}", key, hidden),
          "give 'head_dim' if heads are no share of the hidden size");
  return std::max<std::int64_t>(hidden / heads, 1);
}

/// Grouped-query attention; without num_key_value_heads, every head has its own. `dim`: of a head,
/// if the config does not tell; 0: a share of `hidden`.
FullAttention grouped(Fields& f, std::int64_t hidden, std::int64_t dim = 0, const Keys& keys = {}) {
  FullAttention a;
  a.heads = f.size(keys.heads, kMostHeads);
  a.kv_heads = f.size_or("num_key_value_heads", a.heads, 1, kMostHeads);
  f.check(a.heads % a.kv_heads == 0, "num_key_value_heads",
          "'num_key_value_heads' must divide 'num_attention_heads'");
  a.head_dim = head_dim(f, hidden, a.heads, keys.heads, dim);
  return a;
}

DenseMlp dense(Fields& f, bool gated = true) {
  return {f.size("intermediate_size", 1'000'000), gated};
}

MoeMlp experts(Fields& f, std::string_view count, std::string_view width) {
  MoeMlp m;
  m.experts = f.size(count, 4096);
  m.top_k = f.size("num_experts_per_tok", 4096);
  m.width = f.size(width, 1'000'000);
  f.check(m.top_k <= m.experts, "num_experts_per_tok",
          fmt::format("'num_experts_per_tok' must not exceed '{}'", count));
  return m;
}

/// Adds a layer to the group of its equals.
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

std::int64_t layers(Fields& f, const Keys& keys = {}) { return f.size(keys.layers, kMostLayers); }

/// Equal layers, as most models have.
void all_layers(ModelSpec& model, std::int64_t count, const Attention& attention, const Mlp& mlp) {
  model.layers = {{count, attention, mlp}};
}

/// The attention of layers with a window; full if none is given, or one beyond all contexts.
Attention sliding(Fields& f, const FullAttention& full, const ModelSpec& model,
                  std::int64_t fallback = 0) {
  const Tokens window{f.size_or("sliding_window", fallback, 0)};
  if (window == Tokens{} || window >= model.max_context) return full;
  return SlidingAttention{full, window};
}

constexpr std::string_view kSliding = "sliding_attention";

/// "layer_types", if given: one per layer, each of `known`.
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

/// Layers of which some slide: as "layer_types" says, else all but every `pattern`-th.
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

ModelSpec llama(Fields& f) {
  ModelSpec model = base(f, false);
  all_layers(model, layers(f), grouped(f, model.hidden), dense(f));
  return model;
}

ModelSpec mistral(Fields& f) {
  ModelSpec model = base(f, false);
  all_layers(model, layers(f), sliding(f, grouped(f, model.hidden), model), dense(f));
  return model;
}

ModelSpec mixtral(Fields& f) {
  ModelSpec model = base(f, false);
  all_layers(model, layers(f), sliding(f, grouped(f, model.hidden), model),
             experts(f, "num_local_experts", "intermediate_size"));
  return model;
}

/// The first max_window_layers are full, the others slide, if use_sliding_window.
void qwen_layers(Fields& f, ModelSpec& model, const FullAttention& full, const Mlp& mlp) {
  const std::int64_t count = layers(f);
  const bool slide = f.flag_or("use_sliding_window", false);
  const std::int64_t first = slide ? f.size_or("max_window_layers", 28, 0) : count;
  const Attention slides = slide ? sliding(f, full, model, 4096) : Attention{full};
  for (std::int64_t i = 0; i < count; ++i) {
    add(model.layers, i < first ? Attention{full} : slides, mlp);
  }
}

ModelSpec qwen2(Fields& f) {
  ModelSpec model = base(f, false);
  qwen_layers(f, model, grouped(f, model.hidden), dense(f));
  return model;
}

FullAttention qwen3_attention(Fields& f, const ModelSpec& model, std::int64_t dim = 0) {
  FullAttention full = grouped(f, model.hidden, dim);
  full.qk_norm = true;
  return full;
}

ModelSpec qwen3(Fields& f) {
  ModelSpec model = base(f, false);
  qwen_layers(f, model, qwen3_attention(f, model, 128), dense(f));
  return model;
}

ModelSpec qwen3_moe(Fields& f) {
  ModelSpec model = base(f, false);
  const FullAttention full = qwen3_attention(f, model);
  const std::int64_t count = layers(f);
  const std::int64_t step = f.size_or("decoder_sparse_step", 1);
  const auto only_dense = f.sizes("mlp_only_layers").value_or(std::vector<std::int64_t>{});
  const MoeMlp moe = experts(f, "num_experts", "moe_intermediate_size");
  const Mlp plain = step > 1 || !only_dense.empty() ? Mlp{dense(f)} : Mlp{moe};
  for (std::int64_t i = 0; i < count; ++i) {
    const bool named = std::find(only_dense.begin(), only_dense.end(), i) != only_dense.end();
    const bool sparse = !named && (i + 1) % step == 0;
    add(model.layers, full, sparse ? Mlp{moe} : plain);
  }
  return model;
}

ModelSpec gemma2(Fields& f) {
  ModelSpec model = base(f, true);
  windowed_layers(f, model, grouped(f, model.hidden, 256), dense(f), 4096, 2);
  return model;
}

/// Configs of Gemma 3 leave out what Gemma3TextConfig has as defaults.
ModelSpec gemma3(Fields& f) {
  ModelSpec model;
  model.hidden = f.size("hidden_size", 262144);
  model.vocabulary = f.size_or("vocab_size", 262208);
  model.tied_embeddings = f.flag_or("tie_word_embeddings", true);
  model.max_context = Tokens{f.size_or("max_position_embeddings", 131072)};
  FullAttention full;
  full.heads = f.size_or("num_attention_heads", 8, 1, kMostHeads);
  full.kv_heads = f.size_or("num_key_value_heads", 4, 1, kMostHeads);
  f.check(full.heads % full.kv_heads == 0, "num_key_value_heads",
          "'num_key_value_heads' must divide 'num_attention_heads'");
  full.head_dim = f.size_or("head_dim", 256, 1, 16384);
  full.qk_norm = true;
  windowed_layers(f, model, full, dense(f), 4096, f.size_or("sliding_window_pattern", 6));
  return model;
}

/// The first layers are dense, the others have routed and shared experts.
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

/// DeepSeek-V2, V3, V3.2 and Kimi K2: latent attention, sparse if there is an index.
ModelSpec deepseek(Fields& f) {
  ModelSpec model = base(f, false);
  SparseLatentAttention a;
  a.heads = f.size("num_attention_heads", kMostHeads);
  a.q_lora = f.size_or("q_lora_rank", 0, 0, 65536);
  a.kv_lora = f.size("kv_lora_rank", 65536);
  a.rope_dim = f.size("qk_rope_head_dim", 65536);
  a.nope_dim = f.size("qk_nope_head_dim", 16384);
  a.v_dim = f.size("v_head_dim", 16384);
  if (f.has("index_topk")) {
    a.top_k = Tokens{f.size("index_topk")};
    a.index_heads = f.size("index_n_heads", kMostHeads);
    a.index_dim = f.size("index_head_dim", 16384);
    dense_first(f, model, a, 0);
  } else {
    dense_first(f, model, static_cast<const LatentAttention&>(a), 0);
  }
  return model;
}

ModelSpec phi(Fields& f) {
  ModelSpec model = base(f, false);
  FullAttention full = grouped(f, model.hidden);
  full.qk_norm = f.flag_or("qk_layernorm", false);
  all_layers(model, layers(f), full, dense(f, false));
  return model;
}

ModelSpec falcon(Fields& f) {
  Keys keys;
  if (!f.has(keys.layers)) keys.layers = "n_layer";  // as the first of them wrote
  if (!f.has(keys.heads)) keys.heads = "n_head";
  ModelSpec model = base(f, true, keys, 2048);
  FullAttention a;
  a.heads = f.size(keys.heads, kMostHeads);
  if (f.flag_or("new_decoder_architecture", false)) {
    const std::string_view key = f.has("num_kv_heads") ? "num_kv_heads" : "n_head_kv";
    a.kv_heads = f.size_or(key, a.heads, 1, kMostHeads);
    f.check(a.heads % a.kv_heads == 0, key, "the KV heads must divide the query heads");
  } else {
    a.kv_heads = f.flag_or("multi_query", true) ? 1 : a.heads;
  }
  a.head_dim = head_dim(f, model.hidden, a.heads, keys.heads);
  all_layers(model, layers(f, keys), a,
             DenseMlp{f.size_or("ffn_hidden_size", 4 * model.hidden, 1, 1'000'000), false});
  return model;
}

ModelSpec opt(Fields& f) {
  ModelSpec model = base(f, true);
  all_layers(model, layers(f), grouped(f, model.hidden),
             DenseMlp{f.size("ffn_dim", 1'000'000), false});
  return model;
}

ModelSpec gpt2_like(Fields& f, bool tied) {
  ModelSpec model = base(f, tied, kGpt2Keys);
  all_layers(model, layers(f, kGpt2Keys), grouped(f, model.hidden, 0, kGpt2Keys),
             DenseMlp{f.size_or("n_inner", 4 * model.hidden, 1, 1'000'000), false});
  return model;
}

ModelSpec gpt2(Fields& f) { return gpt2_like(f, true); }
ModelSpec gptj(Fields& f) { return gpt2_like(f, false); }

ModelSpec gpt_neox(Fields& f) {
  ModelSpec model = base(f, false);
  all_layers(model, layers(f), grouped(f, model.hidden), dense(f, false));
  return model;
}

ModelSpec gpt_oss(Fields& f) {
  ModelSpec model = base(f, false);
  const MoeMlp moe = experts(f, "num_local_experts", "intermediate_size");
  windowed_layers(f, model, grouped(f, model.hidden, 64), moe, 128, 2);
  return model;
}

ModelSpec glm4_moe(Fields& f) {
  ModelSpec model = base(f, false);
  FullAttention full = grouped(f, model.hidden);
  full.qk_norm = f.flag_or("use_qk_norm", false);
  dense_first(f, model, full, 1);
  return model;
}

/// MiniMax-Text-01: "attn_type_list" (0: lightning) in its own config, "layer_types" in
/// transformers'.
ModelSpec minimax(Fields& f) {
  ModelSpec model = base(f, false);
  const FullAttention full = grouped(f, model.hidden);
  const LinearAttention linear{full.heads, full.heads, full.head_dim, full.head_dim};
  const MoeMlp moe = experts(f, "num_local_experts", "intermediate_size");
  const std::int64_t count = layers(f);
  const auto types = layer_types(f, count, "linear_attention");
  const auto flags = types ? std::nullopt : f.sizes("attn_type_list");
  f.check(types || flags, "layer_types", "'layer_types' is missing, or 'attn_type_list'");
  f.check(!flags || static_cast<std::int64_t>(flags->size()) == count, "attn_type_list",
          fmt::format("'attn_type_list' must name {} layers", count));
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const bool is_linear =
        types ? (*types)[i] == "linear_attention" : flags && i < flags->size() && (*flags)[i] == 0;
    add(model.layers, is_linear ? Attention{linear} : Attention{full}, moe);
  }
  return model;
}

ModelSpec minimax_m2(Fields& f) {
  ModelSpec model = base(f, false);
  FullAttention full = grouped(f, model.hidden);
  full.qk_norm = f.flag_or("use_qk_norm", true);
  all_layers(model, layers(f), full, experts(f, "num_local_experts", "intermediate_size"));
  return model;
}

/// Decoder layers: attention to what was said, then to the encoder's output, then an MLP.
void decoder_layers(ModelSpec& model, std::int64_t count, const FullAttention& a,
                    const DenseMlp& mlp) {
  model.layers = {{count, a, NoMlp{}}, {count, CrossAttention{a}, mlp}};
}

ModelSpec t5(Fields& f) {
  ModelSpec model = base(f, true, {"d_model", "num_layers", "num_heads", "n_positions"}, 512);
  const std::int64_t heads = f.size("num_heads", kMostHeads);
  const FullAttention a{heads, heads, f.size("d_kv", 16384)};
  const bool gated = f.text_or("feed_forward_proj", "relu").starts_with("gated-");
  const DenseMlp mlp{f.size("d_ff", 1'000'000), gated};
  const std::int64_t encoder = f.size("num_layers", kMostLayers);
  decoder_layers(model, f.size_or("num_decoder_layers", encoder, 1, kMostLayers), a, mlp);
  model.encoder = EncoderSpec{model.max_context, {{encoder, a, mlp}}};
  return model;
}

ModelSpec whisper(Fields& f) {
  ModelSpec model =
      base(f, true,
           {"d_model", "decoder_layers", "decoder_attention_heads", "max_target_positions"}, 448);
  const auto half = [&](std::string_view heads, std::string_view width) {
    FullAttention a;
    a.heads = a.kv_heads = f.size(heads, kMostHeads);
    a.head_dim = head_dim(f, model.hidden, a.heads, heads);
    return std::pair{a, DenseMlp{f.size(width, 1'000'000), false}};
  };
  const auto [attention, mlp] = half("decoder_attention_heads", "decoder_ffn_dim");
  decoder_layers(model, f.size("decoder_layers", kMostLayers), attention, mlp);
  const auto [encoder, encoder_mlp] = half("encoder_attention_heads", "encoder_ffn_dim");
  model.encoder = EncoderSpec{Tokens{f.size_or("max_source_positions", 1500)},
                              {{f.size("encoder_layers", kMostLayers), encoder, encoder_mlp}}};
  return model;
}

}  // namespace

std::span<const HuggingFaceArchitecture> huggingface_table() {
  static constexpr HuggingFaceArchitecture kTable[] = {
      {"llama", llama},
      {"mistral", mistral},
      {"mixtral", mixtral},
      {"qwen2", qwen2},
      {"qwen3", qwen3},
      {"qwen3_moe", qwen3_moe},
      {"gemma2", gemma2},
      {"gemma3_text", gemma3},
      {"deepseek_v2", deepseek},
      {"deepseek_v3", deepseek},
      {"deepseek_v32", deepseek},
      {"glm_moe_dsa", deepseek},
      {"kimi_k2", deepseek},
      {"phi", phi},
      {"phi3", mistral},
      {"falcon", falcon},
      {"RefinedWeb", falcon},
      {"RefinedWebModel", falcon},
      {"opt", opt},
      {"gpt2", gpt2},
      {"gptj", gptj},
      {"gpt_neox", gpt_neox},
      {"gpt_oss", gpt_oss},
      {"glm4", llama},
      {"glm4_moe", glm4_moe},
      {"minimax", minimax},
      {"minimax_text_01", minimax},
      {"minimax_m2", minimax_m2},
      {"t5", t5},
      {"whisper", whisper},
  };
  return kTable;
}

}  // namespace terrace
