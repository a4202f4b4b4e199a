#include "sim/cost/forms/decode.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/for_all.hpp"

namespace terrace::forms {
namespace {

using Parameters = std::array<double, Decode::kParameters.size()>;

constexpr Chip kH200{.sms = 132, .l2_bytes = 50e6};

/// FlashAttention 3 on H200, bf16, head_dim 128: fitted to the kernel tables of
/// NVIDIA aiconfigurator (vLLM 0.24.0).
constexpr Parameters kFa3{8.35e-6, 5.48e-6, 4.8e12, 1.17,    1.18,    0,       1.99,
                          2.4e-6,  88.3e9,  30.6,   1.47e-6, 0.12e-6, 0.27e-6, 22.4e-9};

/// The same chip with FlashAttention 2's limit: no split without grouped heads.
Parameters without_mha_splits() {
  Parameters p = kFa3;
  p[9] = 1;
  return p;
}

/// Sequences of one length.
Decode::Case equal(std::int64_t batch, double length, std::int64_t heads, std::int64_t kv_heads) {
  Decode::Case x;
  x.batch = batch;
  x.kv_tokens = length * static_cast<double>(batch);
  x.longest = length;
  x.heads = heads;
  x.kv_heads = kv_heads;
  return x;
}

double microseconds(Decode::Case x, bool warm) {
  x.warm = warm;
  return 1e6 * Decode::seconds(kFa3, kH200, x);
}

TEST(DecodeForm, MeetsItsMeasurements) {
  EXPECT_NEAR(microseconds(equal(1, 256, 32, 8), true), 12.6, 0.06 * 12.6);
  EXPECT_NEAR(microseconds(equal(32, 1024, 32, 8), true), 46.8, 0.06 * 46.8);
  EXPECT_NEAR(microseconds(equal(64, 4096, 32, 8), true), 270.9, 0.06 * 270.9);
  EXPECT_NEAR(microseconds(equal(8, 65536, 32, 8), true), 497.6, 0.06 * 497.6);
  EXPECT_NEAR(microseconds(equal(1024, 2, 8, 8), true), 212.7, 0.06 * 212.7);
  EXPECT_NEAR(microseconds(equal(8, 65536, 8, 1), true), 79.2, 0.06 * 79.2);
}

TEST(DecodeForm, MuchKvStreamsFromHbm) {
  const Decode::Case x = equal(256, 32768, 32, 8);
  const double streaming = x.kv_tokens * 8 * 512 / 4.8e12;
  EXPECT_GT(Decode::seconds(kFa3, kH200, x), streaming);
  EXPECT_LT(Decode::seconds(kFa3, kH200, x), 1.2 * streaming);
}

TEST(DecodeForm, LittleKvIsFasterOnlyWhenItMayBeInTheL2) {
  const Decode::Case small = equal(1, 8192, 32, 8);  // 34 MB
  EXPECT_LT(microseconds(small, true), microseconds(small, false) - 4);
  const Decode::Case large = equal(8, 65536, 32, 8);
  EXPECT_NEAR(microseconds(large, true), microseconds(large, false), 1e-6);
}

TEST(DecodeForm, ASequenceThatIsNotSplitIsWalkedByOneThreadBlock) {
  const double walk = 131072 * 512 / 88.3e9;
  EXPECT_NEAR(Decode::seconds(without_mha_splits(), kH200, equal(1, 131072, 1, 1)), walk,
              0.1 * walk);
  EXPECT_LT(Decode::seconds(kFa3, kH200, equal(1, 131072, 1, 1)), 0.2 * walk);
  EXPECT_LT(Decode::seconds(without_mha_splits(), kH200, equal(1, 131072, 8, 1)), 0.2 * walk);
}

TEST(DecodeForm, GroupedHeadsAreGatheredUnlessTheyLieInOrder) {
  Parameters p = kFa3;
  const auto gather = [&](const Decode::Case& x) {
    p[12] = 1e-9;
    const double without = Decode::seconds(p, kH200, x);
    p[12] = 5e-6;
    return Decode::seconds(p, kH200, x) - without;
  };
  EXPECT_NEAR(gather(equal(2, 100, 32, 8)), 5e-6, 1e-8);
  EXPECT_EQ(gather(equal(1, 100, 32, 8)), 0);
  EXPECT_EQ(gather(equal(2, 100, 8, 1)), 0);
  EXPECT_EQ(gather(equal(2, 100, 8, 8)), 0);
}

double log_uniform(double low, double high) {
  const double at = *rc::gen::inRange(0, 1001) / 1000.0;
  return std::exp(std::log(low) + at * (std::log(high) - std::log(low)));
}

Parameters any_parameters() {
  Parameters p;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Parameter& of = Decode::kParameters[i];
    p[i] = of.low > 0 ? log_uniform(of.low, of.high)
                      : of.low + (of.high - of.low) * *rc::gen::inRange(0, 1001) / 1000;
  }
  return p;
}

Decode::Case any_case() {
  Decode::Case x;
  x.batch = std::llround(log_uniform(1, 4096));
  x.kv_heads = *rc::gen::inRange(1, 129);
  x.heads = x.kv_heads * *rc::gen::inRange(1, 129);
  x.head_dim = 64 * *rc::gen::inRange(1, 9);
  x.kv_bytes_per_element = *rc::gen::element(0.5, 1.0, 2.0);
  x.warm = *rc::gen::arbitrary<bool>();
  const double mean = log_uniform(1, 1e6);
  x.kv_tokens = mean * static_cast<double>(x.batch);
  x.longest = std::min(mean * log_uniform(1, 100), x.kv_tokens);
  return x;
}

constexpr double kRounding = 1 + 1e-9;

TEST(DecodeForm, IsNeverFasterForMoreWork) {
  tests::for_all(
      [] {
        const Parameters p = any_parameters();
        const Decode::Case x = any_case();
        const double before = Decode::seconds(p, kH200, x);
        RC_ASSERT(std::isfinite(before) && before > p[0]);

        Decode::Case joined = x;  // by a sequence, whatever its length
        joined.batch += 1;
        const double length = log_uniform(1, 1e6);
        joined.kv_tokens += length;
        joined.longest = std::max(x.longest, length);
        RC_ASSERT(before <= kRounding * Decode::seconds(p, kH200, joined));

        Decode::Case grown = x;
        grown.kv_tokens *= log_uniform(1, 10);
        RC_ASSERT(before <= kRounding * Decode::seconds(p, kH200, grown));

        Decode::Case cold = x;
        cold.warm = false;
        RC_ASSERT(before <= kRounding * Decode::seconds(p, kH200, cold));
      },
      5000);
}

TEST(DecodeForm, ALongestSequenceAboveTheMeanIsNeverFaster) {
  tests::for_all(
      [] {
        const Parameters p = any_parameters();
        Decode::Case x = any_case();
        const double skewed = Decode::seconds(p, kH200, x);
        x.longest *= log_uniform(1, 10);
        RC_ASSERT(skewed <= kRounding * Decode::seconds(p, kH200, x));
        x.longest = x.kv_tokens / static_cast<double>(x.batch);
        const double even = Decode::seconds(p, kH200, x);
        RC_ASSERT(even <= kRounding * skewed);
        x.longest = 0;
        RC_ASSERT(even == Decode::seconds(p, kH200, x));
      },
      5000);
}

/// All that depends on the split, with an endless bandwidth: the best of many tried.
TEST(DecodeForm, SplitsAsWellAsTryingThemAll) {
  tests::for_all(
      [] {
        Parameters p = any_parameters();
        p[2] = 1e30;
        p[8] = log_uniform(5e9, 3e11);
        Decode::Case x = any_case();
        x.heads = 2 * x.kv_heads;
        x.batch = 1 + x.batch % 64;
        x.kv_tokens = x.longest * static_cast<double>(x.batch);
        const double block = 16384.0 / static_cast<double>(x.head_dim);
        const double rows = std::max(x.longest, block) * 2 * static_cast<double>(x.head_dim) *
                            x.kv_bytes_per_element / p[8];
        const double tiles = static_cast<double>(x.batch * x.kv_heads);

        const auto time = [&](double splits) {
          const double deal =
              std::max(p[7] + rows / splits, tiles * (splits * p[7] + rows) / kH200.sms);
          return splits == 1 ? deal : deal + p[11] * (splits - 1) + p[10];
        };
        double best = time(1);
        const double most = std::clamp(x.longest / block, 1.0, 128.0);
        for (double s = 1.001; s <= most; s *= 1.001) best = std::min(best, time(s));

        x.warm = false;
        const bool gathered = x.kv_heads > 1 && x.batch > 1;
        const double rest = p[0] + p[1] + (gathered ? p[12] : 0) +
                            p[13] * std::min(512.0, static_cast<double>(x.batch));
        const double body = Decode::seconds(p, kH200, x) - rest;
        RC_ASSERT(body <= best * kRounding);
        RC_ASSERT(body >= best * 0.998);
      },
      1000);
}

}  // namespace
}  // namespace terrace::forms
