#include "sim/cost/profiled.hpp"

#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "tests/cost/profile_files.hpp"

namespace terrace {
namespace {

using namespace literals;

/// Times of decimal places: which operations a step has can be read off its time.
class Profiled : public tests::ProfileFiles {
 protected:
  void SetUp() override {
    ProfileFiles::SetUp();
    write("dense", kOnce + kLayer + kMlp);
    write("per_sequence",
          "layer,sequences,time_us\nlm_head,1,1000\nlm_head,11,2000\nsampler,1,1\n");
    write("attention",
          "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"
          "0,0,1,100,10000\n0,0,1,200,20000\n0,0,9,100,10000\n0,0,9,200,20000\n"
          "16,0,0,0,30000\n16,160,0,0,30000\n48,0,0,0,40000\n48,160,0,0,50000\n"
          "16,0,1,100,60000\n16,0,1,200,70000\n16,0,9,100,80000\n16,0,9,200,90000\n");
  }

  [[nodiscard]] double us(const ProfiledEngine& engine, const Batch& batch) const {
    const auto model = make_profiled(LayerProfile::read(folder_, "m"), engine);
    return seconds(model->step(batch)) * 1e6;
  }

  // qkv_proj takes 10 us and 1 us per token.
  const std::string kOnce = "layer,tokens,time_us\nembedding,1,0.25\nfinal_layernorm,1,0.5\n";
  const std::string kLayer =
      "layernorm,1,0.125\nqkv_proj,1,11\nqkv_proj,101,111\nrotary_emb,1,100\no_proj,1,200\n";
  const std::string kMlp = "gate_up_proj,1,300\nact_fn,1,100\ndown_proj,1,200\n";
};

constexpr double kOnceUs = 0.75;
constexpr double kLayerUs = 2 * 0.125 + 10 + 100 + 200 + 600;  // and a token's share

TEST_F(Profiled, ADecodeStepIsPaddedToItsGraph) {
  const Batch batch{3, Tokens{3 * 151}, {}, 3, 151_tok};
  const double attention = 15000;
  const double sampled = 1200 + 1;
  EXPECT_NEAR(us({.layers = 2}, batch), kOnceUs + 2 * (kLayerUs + 3 + attention) + sampled, 1e-3);
  const ProfiledEngine captured{
      .layers = 2, .largest_captured = 8, .uncaptured_layer = Duration{5}};
  EXPECT_NEAR(us(captured, batch), kOnceUs + 2 * (kLayerUs + 4 + attention) + sampled, 1e-3);
}

TEST_F(Profiled, AStepWithPromptsIsNotCaptured) {
  // 32 tokens in chunks of 16 behind 0 and 32: as many pairs as 32 behind 8.
  const std::array<PrefillChunk, 2> chunks{PrefillChunk{16_tok, 0_tok},
                                           PrefillChunk{16_tok, 32_tok}};
  const ProfiledEngine engine{
      .layers = 1, .largest_captured = 64, .uncaptured_layer = std::chrono::microseconds{7000}};
  const double attention = 35000 + 5000 * 8.0 / 160;
  EXPECT_NEAR(us(engine, {0, Tokens{}, chunks, 0}), kOnceUs + kLayerUs + 32 + attention + 7000,
              1e-3);
}

TEST_F(Profiled, TheLastTokenOfAPromptRunsAsADecode) {
  const std::array<PrefillChunk, 1> last{PrefillChunk{1_tok, 150_tok}};
  EXPECT_NEAR(us({.layers = 1}, {0, Tokens{}, last, 1}),
              us({.layers = 1}, {1, 151_tok, {}, 1, 151_tok}), 1e-9);
}

TEST_F(Profiled, TheLongestDecodeIsWalkedAlone) {
  const ProfiledEngine engine{.layers = 1, .uneven = {0.5, 0.25, 4}};
  const auto excess = [&](std::int64_t decodes, std::span<const PrefillChunk> chunks) {
    const Tokens sum{decodes * 151};
    return us(engine, {decodes, sum, chunks, 0, 201_tok}) -
           us(engine, {decodes, sum, chunks, 0, 151_tok});
  };
  const std::array<PrefillChunk, 1> chunk{PrefillChunk{16_tok, 0_tok}};
  EXPECT_NEAR(excess(4, {}), 0.25 * 5000, 1e-3);
  EXPECT_NEAR(excess(3, {}), 0, 1e-9);  // few are split
  EXPECT_NEAR(excess(3, chunk), 0.5 * 5000, 1e-3);
}

TEST_F(Profiled, ExpertsTakeThePlaceOfTheMlp) {
  write("dense", kOnce + kLayer);
  write("moe", "tokens,activated_experts,time_us\n1,1,1100\n1,8,1800\n64,1,1100\n64,8,1800\n");
  // One token touches two of eight; one of a thousand, nearly all.
  const double layer = kLayerUs - 600 + 10000;
  EXPECT_NEAR(us({.layers = 1, .experts = 8, .top_k = 2}, {1, 101_tok, {}, 0, 101_tok}),
              kOnceUs + layer + 1 + 1200, 1e-3);
}

TEST_F(Profiled, SaysWhatTheProfileLacks) {
  const auto mistake = [&](const ProfiledEngine& engine) -> std::string {
    try {
      static_cast<void>(us(engine, {1, 101_tok, {}, 0, 101_tok}));
    } catch (const config::ConfigError& error) {
      return error.what();
    }
    return "no mistake";
  };
  EXPECT_THAT(mistake({.layers = 1, .experts = 8, .top_k = 2}), testing::HasSubstr("no experts"));
  write("dense", kOnce + kMlp);
  EXPECT_THAT(mistake({.layers = 1}), testing::HasSubstr("no operation 'layernorm'"));
}

}  // namespace
}  // namespace terrace
