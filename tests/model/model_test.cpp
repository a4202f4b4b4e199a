#include "sim/model/model.hpp"

#include <string>

#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using tests::shipped_model;

TEST(Model, KvShardsByKvHeadsAndNoFurther) {
  const auto per_gpu = [](const char* name, int tp) {
    return kv_bytes_per_token_per_gpu(shipped_model(name), DType::bf16, Parallel{tp}).count();
  };
  for (const int tp : {1, 2, 4, 8}) {
    EXPECT_EQ(per_gpu("llama-3.1-8b", tp), 131'072 / tp);
    EXPECT_EQ(per_gpu("llama-3.1-70b", tp), 327'680 / tp);
    EXPECT_EQ(per_gpu("qwen3-32b", tp), 262'144 / tp);
    EXPECT_EQ(per_gpu("opt-13b", tp), 819'200 / tp);
    EXPECT_EQ(per_gpu("deepseek-v3", tp), 70'272);  // one latent, whoever reads it
    EXPECT_EQ(per_gpu("falcon-7b", tp), 8'192);     // one head, on every GPU
  }
  EXPECT_EQ(per_gpu("llama-3.1-8b", 16), 131'072 / 8);
  EXPECT_EQ(per_gpu("llama-3.1-8b", 3), 131'072 / 8 * 3);  // three heads, three, and two
}

TEST(Model, ParametersOfLlama8bCountedByHand) {
  const double attention = 4096.0 * 4096 * 2 + 4096.0 * 1024 * 2;
  const double mlp = 3 * 4096.0 * 14336;
  const double norms = 65 * 4096.0;
  EXPECT_EQ(parameters(shipped_model("llama-3.1-8b")),
            32 * (attention + mlp) + 2 * 128256 * 4096.0 + norms);
}

TEST(Model, WeightBytesShard) {
  const ModelSpec llama = shipped_model("llama-3.1-8b");
  EXPECT_EQ(static_cast<double>(weight_bytes_per_gpu(llama, Parallel{1}).count()),
            2 * parameters(llama));
  const std::int64_t norms = std::int64_t{2} * 65 * 4096;
  EXPECT_EQ(weight_bytes_per_gpu(llama, Parallel{8}).count() - norms,
            (weight_bytes_per_gpu(llama, Parallel{1}).count() - norms) / 8);

  // Quantised layers, 16-bit embedding and head: 671 GB and 1.85 GB more.
  const double deepseek =
      static_cast<double>(weight_bytes_per_gpu(shipped_model("deepseek-v3"), {}).count());
  EXPECT_NEAR(deepseek, 671.03e9 + 2 * 129280 * 7168.0, 0.001 * deepseek);

  ModelSpec int4 = llama;
  int4.weight_dtype = DType::int4;
  EXPECT_NEAR(static_cast<double>(weight_bytes_per_gpu(int4, {}).count()), 6.98e9 / 2 + 2.1e9, 2e7);

  // A sixteenth GPU gets a copy of a KV head that another one has.
  EXPECT_GT(weight_bytes_per_gpu(llama, Parallel{16}).count() * 16,
            weight_bytes_per_gpu(llama, Parallel{8}).count() * 8);
}

TEST(Model, TiedEmbeddingsAreHeldOnce) {
  ModelSpec opt = shipped_model("opt-13b");
  const double tied = parameters(opt);
  opt.tied_embeddings = false;
  EXPECT_EQ(parameters(opt) - tied, 50272.0 * 5120);
}

TEST(Model, StagesCountAsTheirMeanRoundedUp) {
  const ModelSpec llama = shipped_model("llama-3.1-8b");
  const Parallel stages{.pipeline = 3};
  EXPECT_EQ(kv_bytes_per_token_per_gpu(llama, DType::bf16, stages), Bytes{43'691});  // 131,072 / 3
  EXPECT_EQ(weight_bytes_per_gpu(llama, stages).count(),
            (weight_bytes_per_gpu(llama, {}).count() + 2) / 3);
}

TEST(Model, WholeExpertsAreSpreadAndTheRestSharded) {
  const ModelSpec qwen = shipped_model("qwen3-30b-a3b");
  // 128 experts of 3 x 2048 x 768 weights in each of 48 layers.
  const double experts = 48.0 * 128 * 3 * 2048 * 768 * 2;
  const auto bytes = [&](const Parallel& parallel) {
    return static_cast<double>(weight_bytes_per_gpu(qwen, parallel).count());
  };
  EXPECT_EQ(bytes({.tensor = 4, .expert = 4}), bytes({.tensor = 4}));
  EXPECT_EQ(bytes({}) - bytes({.expert = 8}), experts * 7 / 8);
  // Three GPUs: 43 experts at most; their width is not cut.
  EXPECT_EQ(bytes({}) - bytes({.expert = 3}), experts / 128 * (128 - 43));
}

TEST(Model, TheEncodersWeightsCount) {
  ModelSpec whisper = shipped_model("whisper-large-v3");
  const double both = parameters(whisper);
  whisper.encoder.reset();
  const double layer = 4 * 1280.0 * 1280 + 2 * 1280.0 * 5120 + 2 * 1280;  // and two norms
  EXPECT_EQ(both - parameters(whisper), 32 * layer + 1280);
}

TEST(Model, NoFileMakesSizesOverflow) {
  ModelSpec model = shipped_model("llama-3.1-8b");
  model.hidden = 262'144;
  model.layers.assign(100, {1024, SlidingAttention{{4096, 4096, 16384}, Tokens{1'000'000'000}},
                            MoeMlp{4096, 4096, 1'000'000}});
  EXPECT_GT(weight_bytes_per_gpu(model, {}).count(), std::int64_t{1} << 60);
  EXPECT_GT(kv_bytes_of_sequence(model, DType::bf16, {}, Tokens{1'000'000'000}).count(),
            std::int64_t{1} << 60);
}

std::string complaint(const std::string& layers, const std::string& rest = "") {
  const std::string yaml =
      "{name: m, hidden: 64, vocabulary: 100, tied_embeddings: true, max_context: 10,"
      " published_parameters: 1e6, source: made up, layers: [" +
      layers + "]" + rest + "}";
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_yaml("m.yaml", yaml, diagnostics);
  ModelSpec model;
  const config::Catalogue none;
  config::Reader(root, "the model", none, diagnostics).read(model);
  try {
    diagnostics.raise();
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return {};
}

bool complains(const std::string& layers, const std::string& text, const std::string& rest = "") {
  return complaint(layers, rest).find(text) != std::string::npos;
}

TEST(Model, FilesAreChecked) {
  const std::string full = "{count: 1, attention: {kind: full, heads: 8, head_dim: 8, ";
  const std::string dense = "}, mlp: {kind: dense, width: 8, gated: true}}";
  EXPECT_EQ(complaint(full + "kv_heads: 2" + dense), "");
  EXPECT_TRUE(complains("", "'layers' must hold at least one group"));
  EXPECT_TRUE(complains(full + "kv_heads: 3" + dense, "must divide 'heads'"));
  EXPECT_TRUE(complains(full + "kv_heads: 2, v_dim: 8" + dense, "unknown key 'v_dim'"));
  EXPECT_TRUE(complains("{count: 1, attention: {kind: ful" + dense, "did you mean 'full'?"));
  EXPECT_TRUE(
      complains("{count: 1, attention: {kind: cross, heads: 8, head_dim: 8, kv_heads: 2" + dense,
                "cross-attention has nothing to attend to"));
  const std::string encoder = ", encoder: {tokens: 9, layers: [" + full + "kv_heads: 2" + dense;
  EXPECT_TRUE(
      complains(full + "kv_heads: 2" + dense, "no layer attends to the encoder", encoder + "]}"));
  EXPECT_TRUE(complains(
      "{count: 1, attention: {kind: linear, heads: 8, key_heads: 3, key_dim: 8, value_dim: 8" +
          dense,
      "'key_heads' must divide 'heads'"));
  EXPECT_TRUE(
      complains("{count: 1, attention: {kind: sliding, heads: 8, head_dim: 8, kv_heads: 2" + dense,
                "'window'"));
  EXPECT_TRUE(
      complains(full + "kv_heads: 2}, mlp: {kind: none, width: 8}}", "unknown key 'width'"));
  EXPECT_TRUE(complains(
      full + "kv_heads: 2}, mlp: {kind: moe, experts: 4, top_k: 5, width: 8," + " gated: true}}",
      "must not exceed 'experts'"));
}

}  // namespace
}  // namespace terrace
