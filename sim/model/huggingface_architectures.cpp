#include "sim/model/huggingface_architectures.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/model/huggingface_shapes.hpp"

namespace terrace {
namespace {

using namespace huggingface;

constexpr Keys kGpt2Keys{"n_embd", "n_layer", "n_head", "n_positions"};

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
