// Models as if they had been made with another attention.

#include "sim/model/attention_rewrite.hpp"

#include <string>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/for_all.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Throws;
using tests::for_all;
using tests::shipped_model;
using tests::shipped_models;

AttentionRewrite as(const std::string& text) { return parse_rewrite(text).value.value(); }

ModelSpec what_if(const std::string& model, const std::string& text) {
  return rewritten(shipped_model(model), as(text));
}

std::int64_t per_token(const ModelSpec& model) {
  return kv_bytes_per_token(model, DType::bf16).count();
}

TEST(AttentionRewrite, KvBytesFollowTheKvHeads) {
  EXPECT_EQ(per_token(shipped_model("llama-2-7b")), 524'288);
  EXPECT_EQ(per_token(what_if("llama-2-7b", "mqa")), 524'288 / 32);
  EXPECT_EQ(per_token(what_if("llama-2-7b", "gqa:8")), 524'288 / 4);
  EXPECT_EQ(per_token(what_if("llama-3.1-8b", "mha")), 524'288);
  EXPECT_EQ(per_token(what_if("llama-3.1-8b", "mla:512+64")), 32 * (512 + 64) * 2);
  EXPECT_EQ(what_if("llama-3.1-8b", "gqa:2").name, "llama-3.1-8b (gqa:2)");
}

// 128 heads with keys of 192 and values of 128 elements in 61 layers: 71 times the latents.
TEST(AttentionRewrite, MlaSpelledOutIsSeventyOneTimesAsLarge) {
  const ModelSpec mha = what_if("deepseek-v3", "mha");
  EXPECT_EQ(per_token(mha), 4'997'120);
  EXPECT_EQ(per_token(mha) / per_token(shipped_model("deepseek-v3")), 71);
  EXPECT_EQ(per_token(what_if("deepseek-v3.2", "mha")), 4'997'120) << "an index goes with it";
  EXPECT_EQ(per_token(what_if("deepseek-v3.2", "mla:256+64")), 61 * (2 * (256 + 64) + 132))
      << "it stays with latents";
}

// Of a decoded token attention computes as much as spelled-out MLA does in prefill.
TEST(AttentionRewrite, MlaSpelledOutComputesAsMuch) {
  const ModelSpec mla = shipped_model("deepseek-v3");
  const ModelSpec mha = what_if("deepseek-v3", "mha");
  for (std::size_t i = 0; i < mla.layers.size(); ++i) {
    const AttentionKernel a = work(mla.layers[i].attention, mla.hidden, {}).kernels.front();
    const AttentionKernel b = work(mha.layers[i].attention, mha.hidden, {}).kernels.front();
    EXPECT_EQ(a.heads * (a.head_dim + a.value_dim), b.heads * (b.head_dim + b.value_dim));
  }
}

TEST(AttentionRewrite, WeightsFollow) {
  const double before = parameters(shipped_model("llama-3.1-8b"));
  const double after = parameters(what_if("llama-3.1-8b", "mha"));
  EXPECT_EQ(after - before, 32.0 * 2 * 24 * 128 * 4096) << "24 more heads of K and V per layer";
}

TEST(AttentionRewrite, WhatHasAWindowKeepsIt) {
  for (const char* name : {"gpt-oss-120b", "llama-4-scout", "gemma-3-4b"}) {
    const ModelSpec model = shipped_model(name);
    const ModelSpec mqa = rewritten(model, as("mqa"));
    EXPECT_EQ(bounded_reaches(mqa), bounded_reaches(model)) << name;
    EXPECT_LT(per_token(mqa), per_token(model)) << name;
  }
}

TEST(AttentionRewrite, TheEncodersOutputStaysAsItIs) {
  const ModelSpec whisper = shipped_model("whisper-large-v3");
  const ModelSpec mqa = rewritten(whisper, as("mqa"));
  EXPECT_EQ(per_token(mqa) * 20, per_token(whisper));
  EXPECT_EQ(fixed_bytes_per_sequence(mqa, DType::bf16, {}),
            fixed_bytes_per_sequence(whisper, DType::bf16, {}));
  EXPECT_EQ(mqa.encoder, whisper.encoder);
}

/// The rewrite that names what the model has, if all layers that could change are alike.
std::string own_attention(const ModelSpec& model) {
  std::string own;
  for (const LayerGroup& group : model.layers) {
    const std::string one = std::visit(
        [](const auto& a) -> std::string {
          if constexpr (requires { a.kv_lora; }) {
            return "mla:" + std::to_string(a.kv_lora) + "+" + std::to_string(a.rope_dim);
          } else if constexpr (requires { a.kv_heads; }) {
            return a.kv_heads == a.heads ? "mha" : "gqa:" + std::to_string(a.kv_heads);
          } else {
            return {};
          }
        },
        group.attention);
    const bool stays = std::holds_alternative<CrossAttention>(group.attention) || one.empty();
    if (!stays) own = own.empty() || own == one ? one : "several";
  }
  return own;
}

TEST(AttentionRewrite, WhatAModelAlreadyHasChangesNothing) {
  int compared = 0;
  for (const std::string& name : shipped_models()) {
    const ModelSpec model = shipped_model(name);
    const std::string own = own_attention(model);
    if (own == "several") continue;
    EXPECT_EQ(rewritten(model, as(own)).layers, model.layers) << name << ' ' << own;
    ++compared;
  }
  EXPECT_GE(compared, 55);
}

TEST(AttentionRewrite, OnceIsAsGoodAsTwice) {
  const std::vector<std::string> names = shipped_models();
  for_all([&] {
    const ModelSpec model = shipped_model(*rc::gen::elementOf(names));
    const AttentionRewrite rewrite = as(*rc::gen::element<std::string>("mha", "mqa"));
    const ModelSpec once = rewritten(model, rewrite);
    RC_ASSERT(rewritten(once, rewrite).layers == once.layers);
    RC_ASSERT(rewritten(once, as("mha")).layers == rewritten(model, as("mha")).layers);
  });
}

void refused(const std::string& model, const std::string& text, const std::string& why) {
  EXPECT_THAT([&] { static_cast<void>(what_if(model, text)); },
              ::testing::ThrowsMessage<RewriteError>(HasSubstr(why)));
}

TEST(AttentionRewrite, WhatCannotBeSaysWhy) {
  refused("llama-3.1-8b", "gqa:7", "possible are 1, 2, 4, 8, 16, 32");
  refused("llama-3.1-8b", "gqa:64", "of its 32 heads");
  refused("gpt-oss-120b", "mla:512+64", "it has layers with a sliding window");
  refused("llama-4-scout", "mla:512+64", "it has layers with chunks");
  ModelSpec linear = shipped_model("llama-3.1-8b");
  linear.layers = {{.count = 1, .attention = LinearAttention{}, .mlp = DenseMlp{}}};
  EXPECT_THROW(static_cast<void>(rewritten(linear, as("mqa"))), RewriteError);
  ModelSpec odd = shipped_model("deepseek-v3");
  std::get<LatentAttention>(odd.layers.front().attention).v_dim = 127;
  EXPECT_THROW(static_cast<void>(rewritten(odd, as("mha"))), RewriteError);
}

TEST(AttentionRewrite, OtherTextsAreNone) {
  for (const char* text : {"", "MHA", "gqa", "gqa:", "gqa:0", "gqa:-8", "gqa:8x", "mla", "mla:512",
                           "mla:512+", "mla:+64", "mla:512+64+1", "gqa:99999999999999999999"}) {
    const auto parsed = parse_rewrite(text);
    EXPECT_FALSE(parsed.value) << text;
    EXPECT_THAT(parsed.why, HasSubstr("gqa:KV_HEADS")) << text;
  }
}

}  // namespace
}  // namespace terrace
