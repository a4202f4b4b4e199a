// Configs as Hugging Face publishes them, down to the fields that matter, against the catalogue.

#include "sim/model/huggingface.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;

ModelSpec imported(const std::string& json) { return from_huggingface(json, "config.json", "m"); }

struct Published {
  const char* model;  // of the catalogue
  const char* config;
};

constexpr Published kPublished[] = {
    {"llama-3.1-8b", R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
      "attention_bias": false, "hidden_act": "silu", "hidden_size": 4096,
      "intermediate_size": 14336, "max_position_embeddings": 131072, "num_attention_heads": 32,
      "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
      "rope_scaling": {"factor": 8.0, "rope_type": "llama3"}, "rope_theta": 500000.0,
      "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 128256})"},
    {"llama-2-7b", R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
      "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 32,
      "num_key_value_heads": 32, "pretraining_tp": 1, "rope_scaling": null,
      "tie_word_embeddings": false, "torch_dtype": "float16", "vocab_size": 32000})"},
    {"mistral-7b-v0.1", R"({"model_type": "mistral", "hidden_size": 4096,
      "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
      "num_hidden_layers": 32, "num_key_value_heads": 8, "sliding_window": 4096,
      "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 32000})"},
    {"mistral-nemo", R"({"model_type": "mistral", "head_dim": 128, "hidden_size": 5120,
      "intermediate_size": 14336, "max_position_embeddings": 131072, "num_attention_heads": 32,
      "num_hidden_layers": 40, "num_key_value_heads": 8, "sliding_window": null,
      "torch_dtype": "bfloat16", "vocab_size": 131072})"},
    {"mixtral-8x7b", R"({"model_type": "mixtral", "hidden_size": 4096,
      "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
      "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8,
      "num_local_experts": 8, "sliding_window": null, "tie_word_embeddings": false,
      "torch_dtype": "bfloat16", "vocab_size": 32000})"},
    {"qwen2.5-7b", R"({"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944,
      "max_position_embeddings": 131072, "max_window_layers": 28, "num_attention_heads": 28,
      "num_hidden_layers": 28, "num_key_value_heads": 4, "sliding_window": 131072,
      "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_sliding_window": false,
      "vocab_size": 152064})"},
    {"qwen3-32b", R"({"model_type": "qwen3", "head_dim": 128, "hidden_size": 5120,
      "intermediate_size": 25600, "max_position_embeddings": 40960, "max_window_layers": 64,
      "num_attention_heads": 64, "num_hidden_layers": 64, "num_key_value_heads": 8,
      "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
      "use_sliding_window": false, "vocab_size": 151936})"},
    {"qwen3-30b-a3b", R"({"model_type": "qwen3_moe", "decoder_sparse_step": 1, "head_dim": 128,
      "hidden_size": 2048, "intermediate_size": 6144, "max_position_embeddings": 40960,
      "mlp_only_layers": [], "moe_intermediate_size": 768, "num_attention_heads": 32,
      "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 48,
      "num_key_value_heads": 4, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
      "vocab_size": 151936})"},
    {"gemma-2-9b", R"({"model_type": "gemma2", "head_dim": 256, "hidden_size": 3584,
      "intermediate_size": 14336, "max_position_embeddings": 8192, "num_attention_heads": 16,
      "num_hidden_layers": 42, "num_key_value_heads": 8, "sliding_window": 4096,
      "torch_dtype": "bfloat16", "vocab_size": 256000})"},
    // Most of it is left to transformers' defaults.
    {"gemma-3-4b", R"({"model_type": "gemma3", "torch_dtype": "bfloat16", "text_config":
      {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
      "num_hidden_layers": 34, "sliding_window": 1024}, "vision_config": {"hidden_size": 1152}})"},
    {"gemma-3-27b", R"({"model_type": "gemma3", "torch_dtype": "bfloat16", "text_config":
      {"model_type": "gemma3_text", "head_dim": 128, "hidden_size": 5376,
      "intermediate_size": 21504, "num_attention_heads": 32, "num_hidden_layers": 62,
      "num_key_value_heads": 16, "sliding_window": 1024, "query_pre_attn_scalar": 168}})"},
    {"deepseek-v2-lite", R"({"model_type": "deepseek_v2", "first_k_dense_replace": 1,
      "hidden_size": 2048, "intermediate_size": 10944, "kv_lora_rank": 512,
      "max_position_embeddings": 163840, "moe_intermediate_size": 1408, "moe_layer_freq": 1,
      "n_routed_experts": 64, "n_shared_experts": 2, "num_attention_heads": 16,
      "num_experts_per_tok": 6, "num_hidden_layers": 27, "num_key_value_heads": 16,
      "q_lora_rank": null, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
      "torch_dtype": "bfloat16", "v_head_dim": 128, "vocab_size": 102400})"},
    {"deepseek-v3", R"({"model_type": "deepseek_v3", "first_k_dense_replace": 3,
      "hidden_size": 7168, "intermediate_size": 18432, "kv_lora_rank": 512,
      "max_position_embeddings": 163840, "moe_intermediate_size": 2048, "moe_layer_freq": 1,
      "n_group": 8, "n_routed_experts": 256, "n_shared_experts": 1, "num_attention_heads": 128,
      "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 128,
      "num_nextn_predict_layers": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
      "qk_rope_head_dim": 64, "quantization_config": {"activation_scheme": "dynamic",
      "fmt": "e4m3", "quant_method": "fp8", "weight_block_size": [128, 128]},
      "tie_word_embeddings": false, "torch_dtype": "bfloat16", "v_head_dim": 128,
      "vocab_size": 129280})"},
    {"deepseek-v3.2", R"({"model_type": "deepseek_v32", "first_k_dense_replace": 3,
      "hidden_size": 7168, "index_head_dim": 128, "index_n_heads": 64, "index_topk": 2048,
      "intermediate_size": 18432, "kv_lora_rank": 512, "max_position_embeddings": 163840,
      "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
      "num_attention_heads": 128, "num_experts_per_tok": 8, "num_hidden_layers": 61,
      "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
      "quantization_config": {"quant_method": "fp8"}, "v_head_dim": 128, "vocab_size": 129280})"},
    {"kimi-k2", R"({"model_type": "kimi_k2", "first_k_dense_replace": 1, "hidden_size": 7168,
      "intermediate_size": 18432, "kv_lora_rank": 512, "max_position_embeddings": 131072,
      "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_routed_experts": 384,
      "n_shared_experts": 1, "num_attention_heads": 64, "num_experts_per_tok": 8,
      "num_hidden_layers": 61, "num_key_value_heads": 64, "q_lora_rank": 1536,
      "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "quantization_config":
      {"quant_method": "fp8"}, "torch_dtype": "bfloat16", "v_head_dim": 128,
      "vocab_size": 163840})"},
    {"phi-3-mini", R"({"model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192,
      "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 32,
      "num_key_value_heads": 32, "sliding_window": 2047, "tie_word_embeddings": false,
      "torch_dtype": "bfloat16", "vocab_size": 32064})"},
    // A window of the whole context is none.
    {"phi-3-medium", R"({"model_type": "phi3", "hidden_size": 5120, "intermediate_size": 17920,
      "max_position_embeddings": 131072, "num_attention_heads": 40, "num_hidden_layers": 40,
      "num_key_value_heads": 10, "sliding_window": 131072, "torch_dtype": "bfloat16",
      "vocab_size": 32064})"},
    {"falcon-7b", R"({"model_type": "falcon", "alibi": false, "bias": false, "hidden_size": 4544,
      "multi_query": true, "new_decoder_architecture": false, "num_attention_heads": 71,
      "num_hidden_layers": 32, "parallel_attn": true, "torch_dtype": "bfloat16",
      "vocab_size": 65024})"},
    {"falcon-40b", R"({"model_type": "RefinedWeb", "hidden_size": 8192, "n_head": 128,
      "n_head_kv": 8, "n_layer": 60, "new_decoder_architecture": true, "parallel_attn": true,
      "torch_dtype": "bfloat16", "vocab_size": 65024})"},
    {"opt-13b", R"({"model_type": "opt", "ffn_dim": 20480, "hidden_size": 5120,
      "max_position_embeddings": 2048, "num_attention_heads": 40, "num_hidden_layers": 40,
      "torch_dtype": "float16", "vocab_size": 50272, "word_embed_proj_dim": 5120})"},
    {"gpt2", R"({"model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12,
      "n_positions": 1024, "vocab_size": 50257})"},
    {"gpt-j-6b", R"({"model_type": "gptj", "n_embd": 4096, "n_head": 16, "n_inner": null,
      "n_layer": 28, "n_positions": 2048, "rotary_dim": 64, "tie_word_embeddings": false,
      "vocab_size": 50400})"},
    {"gpt-neox-20b", R"({"model_type": "gpt_neox", "hidden_size": 6144,
      "intermediate_size": 24576, "max_position_embeddings": 2048, "num_attention_heads": 64,
      "num_hidden_layers": 44, "rotary_pct": 0.25, "tie_word_embeddings": false,
      "torch_dtype": "float16", "vocab_size": 50432})"},
    {"gpt-oss-20b", R"({"model_type": "gpt_oss", "head_dim": 64, "hidden_size": 2880,
      "intermediate_size": 2880, "layer_types": ["sliding_attention", "full_attention",
      "sliding_attention", "full_attention", "sliding_attention", "full_attention",
      "sliding_attention", "full_attention", "sliding_attention", "full_attention",
      "sliding_attention", "full_attention", "sliding_attention", "full_attention",
      "sliding_attention", "full_attention", "sliding_attention", "full_attention",
      "sliding_attention", "full_attention", "sliding_attention", "full_attention",
      "sliding_attention", "full_attention"], "max_position_embeddings": 131072,
      "num_attention_heads": 64, "num_experts_per_tok": 4, "num_hidden_layers": 24,
      "num_key_value_heads": 8, "num_local_experts": 32, "quantization_config":
      {"quant_method": "mxfp4"}, "sliding_window": 128, "tie_word_embeddings": false,
      "vocab_size": 201088})"},
    {"glm-4.5-air", R"({"model_type": "glm4_moe", "first_k_dense_replace": 1, "head_dim": 128,
      "hidden_size": 4096, "intermediate_size": 10944, "max_position_embeddings": 131072,
      "moe_intermediate_size": 1408, "n_routed_experts": 128, "n_shared_experts": 1,
      "num_attention_heads": 96, "num_experts_per_tok": 8, "num_hidden_layers": 46,
      "num_key_value_heads": 8, "torch_dtype": "bfloat16", "use_qk_norm": false,
      "vocab_size": 151552})"},
    {"minimax-m2.5", R"({"model_type": "minimax_m2", "head_dim": 128, "hidden_size": 3072,
      "intermediate_size": 1536, "max_position_embeddings": 196608, "num_attention_heads": 48,
      "num_experts_per_tok": 8, "num_hidden_layers": 62, "num_key_value_heads": 8,
      "num_local_experts": 256, "quantization_config": {"quant_method": "fp8"},
      "use_qk_norm": true, "vocab_size": 200064})"},
    {"flan-t5-xxl", R"({"model_type": "t5", "d_ff": 10240, "d_kv": 64, "d_model": 4096,
      "feed_forward_proj": "gated-gelu", "num_decoder_layers": 24, "num_heads": 64,
      "num_layers": 24, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
      "vocab_size": 32128})"},
    {"whisper-large-v3", R"({"model_type": "whisper", "d_model": 1280,
      "decoder_attention_heads": 20, "decoder_ffn_dim": 5120, "decoder_layers": 32,
      "encoder_attention_heads": 20, "encoder_ffn_dim": 5120, "encoder_layers": 32,
      "max_source_positions": 1500, "max_target_positions": 448, "num_hidden_layers": 32,
      "num_mel_bins": 128, "torch_dtype": "float16", "vocab_size": 51866})"},
};

TEST(HuggingFace, ImportsWhatTheCatalogueHolds) {
  for (const Published& published : kPublished) {
    SCOPED_TRACE(published.model);
    const ModelSpec wanted = tests::shipped_model(published.model);
    const ModelSpec got = imported(published.config);
    EXPECT_EQ(got.hidden, wanted.hidden);
    EXPECT_EQ(got.vocabulary, wanted.vocabulary);
    EXPECT_EQ(got.tied_embeddings, wanted.tied_embeddings);
    EXPECT_EQ(got.max_context, wanted.max_context);
    EXPECT_EQ(got.weight_dtype, wanted.weight_dtype);
    EXPECT_TRUE(got.layers == wanted.layers);
    EXPECT_TRUE(got.encoder == wanted.encoder);
    EXPECT_EQ(parameters(got), parameters(wanted));
  }
}

TEST(HuggingFace, ImportsWhatTheCatalogueLacks) {
  // Phi-2: 2.78 B; GLM-4-9B-0414: 9.4 B, two KV heads.
  const ModelSpec phi = imported(R"({"model_type": "phi", "hidden_size": 2560,
      "intermediate_size": 10240, "max_position_embeddings": 2048, "num_attention_heads": 32,
      "num_hidden_layers": 32, "qk_layernorm": false, "torch_dtype": "float16",
      "vocab_size": 51200})");
  EXPECT_NEAR(parameters(phi), 2.78e9, 0.01e9);
  EXPECT_EQ(kv_bytes_per_token(phi, DType::fp16), Bytes{2 * 32 * 2560 * 2});
  const ModelSpec glm = imported(R"({"model_type": "glm4", "head_dim": 128, "hidden_size": 4096,
      "intermediate_size": 13696, "max_position_embeddings": 32768, "num_attention_heads": 32,
      "num_hidden_layers": 40, "num_key_value_heads": 2, "torch_dtype": "bfloat16",
      "vocab_size": 151552})");
  EXPECT_NEAR(parameters(glm), 9.4e9, 0.05e9);
  EXPECT_EQ(kv_bytes_per_token(glm, DType::bf16), Bytes{2 * 40 * 2 * 128 * 2});
}

TEST(HuggingFace, WrittenModelsReadBack) {
  for (const Published& published : kPublished) {
    ModelSpec model = imported(published.config);
    config::Diagnostics diagnostics;
    const config::Node root =
        config::parse_yaml("m.yaml", config::Writer().write(model), diagnostics);
    const config::Catalogue none;
    ModelSpec copy;
    config::Reader(root, "m.yaml", none, diagnostics).read(copy);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    EXPECT_TRUE(copy.layers == model.layers) << published.model;
    EXPECT_EQ(weight_bytes_per_gpu(copy, {}), weight_bytes_per_gpu(model, {}));
  }
}

TEST(HuggingFace, LinearLayersOfMiniMax) {
  std::string types;
  for (int i = 0; i < 80; ++i) types += i % 8 == 7 ? "1, " : "0, ";
  types.resize(types.size() - 2);
  const ModelSpec model = imported(R"({"model_type": "minimax_text_01", "attn_type_list": [)" +
                                   types + R"(], "head_dim": 128, "hidden_size": 6144,
      "intermediate_size": 9216, "max_position_embeddings": 1000000, "num_attention_heads": 64,
      "num_experts_per_tok": 2, "num_hidden_layers": 80, "num_key_value_heads": 8,
      "num_local_experts": 32, "vocab_size": 200064})");
  EXPECT_TRUE(model.layers == tests::shipped_model("minimax-text-01").layers);
}

std::string complaint(const std::string& json) {
  try {
    static_cast<void>(imported(json));
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return {};
}

/// A small llama, with more fields.
std::string llama(const std::string& more) {
  return R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
"max_position_embeddings": 100, "num_attention_heads": 8, "num_hidden_layers": 2,
)" + more +
         R"("vocab_size": 10})";
}

TEST(HuggingFace, UnknownArchitecturesNameTheNearest) {
  EXPECT_EQ(complaint(llama("")), "");
  EXPECT_THAT(complaint(R"({"model_type": "qwen3_moee"})"),
              HasSubstr("architecture 'qwen3_moee' is not supported; the nearest that is: "
                        "'qwen3_moe'"));
  EXPECT_THAT(complaint(R"({"model_type": "zzz"})"), HasSubstr("supported are: RefinedWeb, "));
  EXPECT_THAT(complaint("{}"), HasSubstr("'model_type' is missing"));
  EXPECT_THAT(complaint("[]"), HasSubstr("a mapping of fields"));
  EXPECT_THAT(complaint("{\"a\": }"), HasSubstr("config.json: error: not JSON: "));
  EXPECT_THAT(complaint(""), HasSubstr("not JSON"));
}

TEST(HuggingFace, EveryMistakeIsToldWithItsPlace) {
  const std::string all = complaint(
      "{\"model_type\": \"llama\",\n\"hidden_size\": \"big\",\n \"num_hidden_layers\": 0}");
  EXPECT_THAT(all, HasSubstr("config.json:2:1: error: 'hidden_size' must be a whole number"));
  EXPECT_THAT(all, HasSubstr("config.json:3:2: error: 'num_hidden_layers' must be between 1 and"));
  EXPECT_THAT(all, HasSubstr("'vocab_size' is missing (llama)"));
  EXPECT_THAT(all, HasSubstr("'num_attention_heads' is missing"));
}

TEST(HuggingFace, FieldsThatContradictEachOther) {
  EXPECT_THAT(complaint(llama("\"num_key_value_heads\": 3,\n")),
              HasSubstr("3:1: error: 'num_key_value_heads' must divide 'num_attention_heads'"));
  EXPECT_THAT(complaint(R"({"model_type": "llama", "hidden_size": 65, "intermediate_size": 1,
      "max_position_embeddings": 9, "num_attention_heads": 8, "num_hidden_layers": 2,
      "vocab_size": 10})"),
              HasSubstr("'num_attention_heads' does not divide the hidden size of 65"));
  EXPECT_THAT(complaint(R"({"model_type": "mixtral", "hidden_size": 64, "intermediate_size": 1,
      "max_position_embeddings": 9, "num_attention_heads": 8, "num_hidden_layers": 2,
      "num_local_experts": 2, "num_experts_per_tok": 3, "vocab_size": 10})"),
              HasSubstr("'num_experts_per_tok' must not exceed 'num_local_experts'"));
  EXPECT_THAT(complaint(R"({"model_type": "gpt_oss", "hidden_size": 64, "intermediate_size": 1,
      "layer_types": ["full_attention"], "max_position_embeddings": 900,
      "num_attention_heads": 8, "num_hidden_layers": 2, "num_local_experts": 2,
      "num_experts_per_tok": 2, "vocab_size": 10})"),
              HasSubstr("'layer_types' names 1 layers, but there are 2"));
}

TEST(HuggingFace, UnknownTypesOfWeights) {
  EXPECT_THAT(complaint(llama(R"("quantization_config": {"quant_method": "aqlm"},)")),
              HasSubstr("quantisation 'aqlm' is not supported"));
  EXPECT_THAT(complaint(llama(R"("torch_dtype": "complex64",)")),
              HasSubstr("data type 'complex64' is not supported"));
  EXPECT_EQ(
      imported(llama(R"("quantization_config": {"quant_method": "awq", "bits": 4},)")).weight_dtype,
      DType::int4);
  EXPECT_EQ(imported(llama(R"("dtype": "bfloat16",)")).weight_dtype, DType::bf16);
  EXPECT_EQ(imported(llama("")).weight_dtype, DType::fp16);  // transformers' default is 32 bits
}

}  // namespace
}  // namespace terrace
