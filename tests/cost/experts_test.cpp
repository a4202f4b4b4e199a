// What a roofline makes of a mixture of experts and of latent attention.

#include <cmath>
#include <utility>

#include <gtest/gtest.h>

#include "sim/cost/routing.hpp"
#include "tests/cost/rooflines.hpp"

namespace terrace {
namespace {

using namespace tests;

TEST(Routing, AlikeTouchesByTheClosedForm) {
  for (const auto& [experts, top_k] : {std::pair{256, 8}, {8, 2}, {128, 1}, {60, 4}, {5, 5}}) {
    const Routing routing(experts, top_k, 0);
    EXPECT_EQ(routing.touched(0), 0);
    EXPECT_NEAR(routing.touched(1), top_k, 1e-12 * experts);
    EXPECT_NEAR(routing.touched(100'000), experts, 1e-9);
    for (int tokens = 1; tokens < 1000; ++tokens) {
      const double missed = std::pow(1 - static_cast<double>(top_k) / experts, tokens);
      EXPECT_NEAR(routing.touched(tokens), experts * (1 - missed), 1e-10);
    }
  }
}

TEST(Routing, PopularExpertsAreTouchedByAllAndOthersLater) {
  for (const double skew : {0.3, 1.0, 2.0}) {
    const Routing skewed(64, 6, skew);
    const Routing alike(64, 6, 0);
    EXPECT_NEAR(skewed.touched(1), 6, 1e-9);  // a token picks six, whoever they are
    for (const int tokens : {2, 8, 64, 512}) {
      EXPECT_LE(skewed.touched(tokens), alike.touched(tokens));
      if (tokens < 64) {
        EXPECT_LT(skewed.touched(tokens), alike.touched(tokens));
      }
      EXPECT_GT(skewed.touched(tokens), skewed.touched(tokens / 2));
    }
    EXPECT_LE(skewed.touched(1'000'000), 64);
  }
}

TEST(Roofline, ExpertsByHand) {
  const MoeMlp moe{16, 2, 64, true, 1};
  const auto cost = roofline(small_model(moe), plain_gpu());
  const double expert = 3 * 256 * 64;
  const double always =
      kAttentionWeights + 10 * (256 * 16 + expert) + kHead;  // router, shared expert
  const double moved = kAttentionMoved +
                       10 * ((256 + 16) + (256 + 128) + (64 + 256) + 2 * 256 + 64) + kEnds +
                       kHeadMoved;
  const double kv = 10 * 10 * 2 * 64;
  for (const int tokens : {1, 2, 5}) {
    const double touched = 16 * (1 - std::pow(14.0 / 16, tokens));
    const double routed = 10 * (touched * expert + tokens * 2 * (2 * 256 + 3 * 64));
    expect_seconds(cost->time(decoding(tokens, 10)),
                   2 * (always + routed + tokens * (moved + kv)) / 1e9);
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
    const auto cost = roofline(model, gpu, tp);
    return seconds(cost->time(decoding(100, 20'000)) - cost->time(decoding(100, 10'000))) / 1e6;
  };
  EXPECT_NEAR(per_token(8), 70'272 / (4.8e12 * gpu.efficiency.attention_memory), 1e-14);
  EXPECT_GT(per_token(1), 1.1 * per_token(2));
}

}  // namespace
}  // namespace terrace
