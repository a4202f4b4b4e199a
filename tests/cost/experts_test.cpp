// What a roofline makes of a mixture of experts and of latent attention.

#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/cost/roofline.hpp"
#include "tests/cost/rooflines.hpp"

namespace terrace {
namespace {

using namespace tests;

TEST(TouchedExperts, ClosedForm) {
  for (const auto& [experts, top_k] : {std::pair{256, 8}, {8, 2}, {128, 1}, {60, 4}, {5, 5}}) {
    const std::vector<double> touched = touched_experts(experts, top_k, 100'000);
    EXPECT_EQ(touched[0], 0);
    EXPECT_NEAR(touched[1], top_k, 1e-12 * experts);
    EXPECT_EQ(touched.back(), experts);
    for (std::size_t tokens = 1; tokens < touched.size(); ++tokens) {
      const double missed = std::pow(1 - static_cast<double>(top_k) / experts, tokens);
      EXPECT_NEAR(touched[tokens], experts * (1 - missed), 1e-10);
      EXPECT_GE(touched[tokens], touched[tokens - 1]);
    }
  }
}

TEST(TouchedExperts, BeyondTheTableAll) {
  EXPECT_EQ(touched_experts(256, 8, 3).size(), 5U);
  EXPECT_EQ(touched_experts(256, 8, 3).back(), 256);
  EXPECT_EQ(touched_experts(256, 8, 0).back(), 256);
}

TEST(Roofline, ExpertsByHand) {
  const MoeMlp moe{16, 2, 64, true, 1};
  const auto cost = make_roofline(small_model(moe), plain_gpu(), 1, DType::bf16, 64);
  const double expert = 10 * 3 * 256 * 64;
  const double always = 10 * (2 * 256 * 256 + 2 * 256 * 64 + 256 * 16) + expert;
  const double head = 1000 * 256;
  const double kv = 10 * 2 * 64 * 2;
  const double written = kWritten + 10 * (256 + 2 * (256 + 64) + 64);
  for (const int tokens : {1, 2, 5}) {
    const double touched = 16 * (1 - std::pow(14.0 / 16, tokens));
    expect_seconds(
        cost->time(decoding(tokens, 10)),
        (2 * (always + touched * expert + head) + tokens * (10 * kv + written * 2)) / 1e9);
  }
}

TEST(Roofline, SmallBatchesReadFewExperts) {
  // DeepSeek-V3 on eight H200: at batch one about 37 B of its 671 B weights are read.
  const auto cost = roofline("deepseek-v3", "h200-sxm", 8);
  const double one = milliseconds(cost->time(decoding(1, 1024)));
  const double many = milliseconds(cost->time(decoding(512, 1024)));
  EXPECT_LT(one, 9);
  EXPECT_GT(many, 671e9 / 8 / 4.8e12 * 1e3);
}

TEST(Roofline, LatentAttentionTurnsComputeBoundWithAllHeadsOnOneGpu) {
  // 128 heads reuse a latent so much that arithmetic binds; 16 of them are bound by memory.
  const ModelSpec model = shipped_model("deepseek-v3");
  const GpuSpec gpu = shipped_gpu("h200-sxm");
  const auto per_token = [&](int tp) {
    const auto cost = make_roofline(model, gpu, tp, DType::bf16, 512);
    return seconds(cost->time(decoding(100, 20'000)) - cost->time(decoding(100, 10'000))) / 1e6;
  };
  EXPECT_NEAR(per_token(8), 70'272 / (4.8e12 * gpu.efficiency.attention_memory), 1e-14);
  EXPECT_GT(per_token(1), 1.1 * per_token(2));
}

}  // namespace
}  // namespace terrace
