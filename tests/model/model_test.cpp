#include "sim/model/model.hpp"

#include <string>

#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using tests::shipped_model;

struct Golden {
  const char* name;
  std::int64_t kv_bytes;   // per token, 16 bits
  double billions;         // published parameters
  double active_billions;  // used per token
};

constexpr Golden kGolden[] = {
    {"llama-3.1-8b", 131'072, 8.03, 8.03}, {"llama-3.1-70b", 327'680, 70.55, 70.55},
    {"qwen3-32b", 262'144, 32.76, 32.76},  {"deepseek-v3", 70'272, 671.03, 37.55},
    {"falcon-7b", 8'192, 6.92, 6.92},      {"opt-13b", 819'200, 12.85, 12.85},
};

TEST(Model, KvBytesPerTokenAreThePublishedOnes) {
  for (const Golden& golden : kGolden) {
    const ModelSpec model = shipped_model(golden.name);
    EXPECT_EQ(kv_bytes_per_token(model, DType::bf16), Bytes{golden.kv_bytes}) << golden.name;
    EXPECT_EQ(kv_bytes_per_token(model, DType::fp8), Bytes{golden.kv_bytes / 2}) << golden.name;
    EXPECT_EQ(kv_bytes_per_token(model, DType::int4), Bytes{golden.kv_bytes / 4}) << golden.name;
  }
}

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

TEST(Model, ShapesYieldThePublishedParameters) {
  for (const Golden& golden : kGolden) {
    const ModelSpec model = shipped_model(golden.name);
    EXPECT_NEAR(parameters(model) / (golden.billions * 1e9), 1, 0.03) << golden.name;
    EXPECT_NEAR(parameters(model) / model.published_parameters, 1, 0.03) << golden.name;
    EXPECT_NEAR(active_parameters(model) / (golden.active_billions * 1e9), 1, 0.03) << golden.name;
  }
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

std::string complaint(const std::string& layer) {
  const std::string yaml =
      "{name: m, hidden: 64, vocabulary: 100, tied_embeddings: true, max_context: 10,"
      " published_parameters: 1e6, source: made up, layers: [" +
      layer + "]}";
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

bool complains(const std::string& layer, const std::string& text) {
  return complaint(layer).find(text) != std::string::npos;
}

TEST(Model, FilesAreChecked) {
  const std::string full = "{count: 1, attention: {kind: full, heads: 8, head_dim: 8, ";
  const std::string dense = "}, mlp: {kind: dense, width: 8, gated: true}}";
  EXPECT_EQ(complaint(full + "kv_heads: 2" + dense), "");
  EXPECT_TRUE(complains("", "'layers' must hold at least one group"));
  EXPECT_TRUE(complains(full + "kv_heads: 3" + dense, "must divide 'heads'"));
  EXPECT_TRUE(complains(full + "kv_heads: 2, v_dim: 8" + dense, "unknown key 'v_dim'"));
  EXPECT_TRUE(complains("{count: 1, attention: {kind: ful" + dense, "did you mean 'full'?"));
  EXPECT_TRUE(complains(
      full + "kv_heads: 2}, mlp: {kind: moe, experts: 4, top_k: 5, width: 8," + " gated: true}}",
      "must not exceed 'experts'"));
}

}  // namespace
}  // namespace terrace
