// The catalogue of models against figures that were worked out without it.

#include <string>

#include <gtest/gtest.h>

#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using tests::shipped_model;

struct Golden {
  const char* name;
  std::int64_t kv_bytes;   // per token, 16 bits, all layers that grow, as if none had a window
  double billions;         // parameters
  double active_billions;  // as published; 0: published without embeddings, not to be compared
};

constexpr Golden kGolden[] = {
    {"gpt2", 36'864, 0.1244, 0.1244},
    {"gpt2-xl", 307'200, 1.56, 1.56},
    {"gpt-j-6b", 458'752, 6.05, 6.05},
    {"gpt-neox-20b", 1'081'344, 20.55, 20.55},
    {"gpt3-175b", 4'718'592, 174.59, 174.59},
    {"opt-13b", 819'200, 12.85, 12.85},
    {"opt-30b", 1'376'256, 29.97, 29.97},
    {"opt-66b", 2'359'296, 65.71, 65.71},
    {"opt-175b", 4'718'592, 174.59, 174.59},
    {"bloom", 4'014'080, 176.23, 176.23},
    {"falcon-7b", 8'192, 6.92, 6.92},
    {"falcon-40b", 122'880, 41.3, 41.3},
    {"falcon-180b", 163'840, 178.55, 178.55},
    {"llama-2-7b", 524'288, 6.74, 6.74},
    {"llama-2-13b", 819'200, 13.02, 13.02},
    {"llama-2-70b", 327'680, 68.98, 68.98},
    {"codellama-34b", 196'608, 33.74, 33.74},
    {"yi-34b", 245'760, 34.39, 34.39},
    {"llama-3.1-8b", 131'072, 8.03, 8.03},
    {"llama-3.1-70b", 327'680, 70.55, 70.55},
    {"llama-3.1-405b", 516'096, 405.85, 405.85},
    {"llama-4-scout", 196'608, 107.77, 17},
    {"mistral-7b-v0.1", 131'072, 7.24, 7.24},
    {"mistral-nemo", 163'840, 12.25, 12.25},
    {"mixtral-8x7b", 131'072, 46.7, 12.9},
    {"mixtral-8x22b", 229'376, 140.63, 39},
    {"qwen2.5-7b", 57'344, 7.62, 7.62},
    {"qwen2.5-14b", 196'608, 14.77, 14.77},
    {"qwen2.5-32b", 262'144, 32.76, 32.76},
    {"qwen2.5-72b", 327'680, 72.7, 72.7},
    {"qwen3-8b", 147'456, 8.19, 8.19},
    {"qwen3-14b", 163'840, 14.77, 14.77},
    {"qwen3-32b", 262'144, 32.76, 32.76},
    {"qwen3-30b-a3b", 98'304, 30.53, 3.3},
    {"qwen3-235b-a22b", 192'512, 235.09, 22},
    {"qwen3-coder-480b-a35b", 253'952, 480.15, 35},
    {"deepseek-v2-lite", 31'104, 15.71, 0},
    {"deepseek-v2", 69'120, 235.74, 21},
    {"deepseek-v3", 70'272, 671.03, 37},
    {"kimi-k2", 70'272, 1026.41, 32},
    {"glm-4.5", 376'832, 352.8, 32},
    {"glm-4.5-air", 188'416, 106.85, 0},
    {"glm-5", 89'856, 743.18, 40},
    {"minimax-text-01", 40'960, 446.4, 45.9},
    {"minimax-m2.5", 253'952, 228.69, 0},
    {"gpt-oss-20b", 49'152, 20.91, 0},
    {"gpt-oss-120b", 73'728, 116.79, 0},
    {"gemma-2-9b", 344'064, 9.24, 9.24},
    {"gemma-2-27b", 376'832, 27.23, 27.23},
    {"gemma-3-4b", 139'264, 3.88, 3.88},
    {"gemma-3-12b", 393'216, 11.77, 11.77},
    {"gemma-3-27b", 507'904, 27.01, 27.01},
    {"phi-3-mini", 393'216, 3.82, 3.82},
    {"phi-3-medium", 204'800, 13.96, 13.96},
    {"phi-4", 204'800, 14.66, 14.66},
    {"phi-3.5-moe", 131'072, 41.87, 6.6},
    {"dbrx", 163'840, 131.6, 36},
    {"qwen3.5-397b-a17b", 30'720, 393.74, 17},
    {"flan-t5-xxl", 393'216, 11.13, 11.13},
    {"whisper-large-v3", 163'840, 1.53, 1.53},
};

/// Index keys of sparse attention, which the figures above leave out: 128 fp8 elements and a scale.
std::int64_t index_bytes(const std::string& name) { return name == "glm-5" ? 78 * 132 : 0; }

TEST(Golden, KvBytesPerToken) {
  for (const Golden& golden : kGolden) {
    const ModelSpec model = shipped_model(golden.name);
    const std::int64_t index = index_bytes(golden.name);
    const auto bytes = [&](DType kv) { return kv_bytes_per_token(model, kv).count() - index; };
    EXPECT_EQ(bytes(DType::bf16), golden.kv_bytes) << golden.name;
    EXPECT_EQ(bytes(DType::fp8), golden.kv_bytes / 2) << golden.name;
    EXPECT_EQ(bytes(DType::int4), golden.kv_bytes / 4) << golden.name;
  }
}

TEST(Golden, ParametersFollowFromTheShapes) {
  for (const Golden& golden : kGolden) {
    const ModelSpec model = shipped_model(golden.name);
    EXPECT_NEAR(parameters(model) / (golden.billions * 1e9), 1, 0.03) << golden.name;
    EXPECT_NEAR(parameters(model) / model.published_parameters.value(), 1, 0.03) << golden.name;
    if (golden.active_billions == 0) continue;
    EXPECT_NEAR(active_parameters(model) / (golden.active_billions * 1e9), 1, 0.1) << golden.name;
  }
}

struct Window {
  const char* name;
  std::int64_t tokens;
  std::int64_t full_bytes;  // per token, of the layers without a window
  std::int64_t cap;         // bytes that those with one stop at
};

constexpr Window kWindows[] = {
    {"llama-4-scout", 8'192, 49'152, 1'207'959'552}, {"mistral-7b-v0.1", 4'096, 0, 536'870'912},
    {"gpt-oss-20b", 128, 24'576, 3'145'728},         {"gpt-oss-120b", 128, 36'864, 4'718'592},
    {"gemma-2-9b", 4'096, 172'032, 704'643'072},     {"gemma-2-27b", 4'096, 188'416, 771'751'936},
    {"gemma-3-4b", 1'024, 20'480, 121'634'816},      {"gemma-3-12b", 1'024, 65'536, 335'544'320},
    {"gemma-3-27b", 1'024, 81'920, 436'207'616},     {"phi-3-mini", 2'047, 0, 804'913'152},
};

TEST(Golden, WindowsStopGrowing) {
  for (const Window& window : kWindows) {
    SCOPED_TRACE(window.name);
    const ModelSpec model = shipped_model(window.name);
    const auto bytes = [&](std::int64_t context) {
      return kv_bytes_of_sequence(model, DType::bf16, {}, Tokens{context}).count();
    };
    const std::int64_t per_token = kv_bytes_per_token(model, DType::bf16).count();
    for (const std::int64_t context : {window.tokens, window.tokens + 1, 10 * window.tokens}) {
      EXPECT_EQ(bytes(context), context * window.full_bytes + window.cap);
    }
    EXPECT_EQ(bytes(window.tokens - 1), (window.tokens - 1) * per_token);
    EXPECT_EQ(bytes(0), 0);
  }
}

TEST(Golden, LinearLayersKeepAState) {
  const std::int64_t layer = 4'194'304;
  for (const auto& [name, layers] : {std::pair{"minimax-text-01", 70}, {"qwen3.5-397b-a17b", 45}}) {
    const ModelSpec model = shipped_model(name);
    for (const DType kv : {DType::bf16, DType::fp8}) {
      EXPECT_EQ(fixed_bytes_per_sequence(model, kv, {}).count(), layers * layer) << name;
      EXPECT_EQ(kv_bytes_of_sequence(model, kv, {}, Tokens{1000}) -
                    kv_bytes_of_sequence(model, kv, {}, Tokens{}),
                kv_bytes_per_token(model, kv) * 1000);
    }
  }
}

TEST(Golden, CrossAttentionKeepsTheEncodersOutput) {
  const ModelSpec t5 = shipped_model("flan-t5-xxl");
  const ModelSpec whisper = shipped_model("whisper-large-v3");
  EXPECT_EQ(t5.encoder->layers.front().count, 24);
  EXPECT_EQ(whisper.encoder->layers.front().count, 32);
  EXPECT_EQ(fixed_bytes_per_sequence(t5, DType::bf16, {}), Bytes{512 * 393'216});
  EXPECT_EQ(fixed_bytes_per_sequence(whisper, DType::bf16, {}), Bytes{1500 * 163'840});
}

TEST(Golden, SparseAttentionKeepsIndexKeys) {
  const Bytes dense = kv_bytes_per_token(shipped_model("deepseek-v3"), DType::bf16);
  const Bytes sparse = kv_bytes_per_token(shipped_model("deepseek-v3.2"), DType::bf16);
  EXPECT_EQ(sparse - dense, Bytes{61 * 132});
}

TEST(Golden, SizesAt128K) {
  const auto gib = [](const char* name) {
    const Bytes bytes = kv_bytes_per_token(shipped_model(name), DType::bf16) * 131'072;
    return static_cast<double>(bytes.count()) / (1 << 30);
  };
  EXPECT_EQ(gib("llama-2-7b"), 64);
  EXPECT_EQ(gib("llama-3.1-8b"), 16);
  EXPECT_EQ(gib("llama-3.1-70b"), 40);
  EXPECT_EQ(gib("falcon-7b"), 1);
  EXPECT_EQ(gib("qwen3-32b"), 32);
  EXPECT_NEAR(gib("deepseek-v3"), 8.6, 0.05);
  EXPECT_EQ(gib("gpt-oss-120b"), 9);
}

}  // namespace
}  // namespace terrace
