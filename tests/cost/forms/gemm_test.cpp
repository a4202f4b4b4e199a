#include "sim/cost/forms/gemm.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/for_all.hpp"

namespace terrace::forms {
namespace {

using Parameters = std::array<double, Gemm::kParameters.size()>;

enum : std::size_t {
  kLaunch,
  kBandwidth,
  kRate,
  kFeed,
  kDrain,
  kSplit,
  kThrottle,
  kWarm,
  kCache,
  kWaves,
  kRow,
  kQuantise,
  kWide
};

constexpr Chip kChip{128, 50e6};
constexpr double kEndless = 1e30;

// Nothing takes time but what a test then sets.
Parameters free_of_charge() {
  Parameters p;
  p.fill(kEndless);
  p[kLaunch] = p[kSplit] = p[kThrottle] = p[kRow] = 0;
  p[kWarm] = p[kCache] = p[kWaves] = 1;
  return p;
}

Parameters start() {
  Parameters p;
  std::transform(Gemm::kParameters.begin(), Gemm::kParameters.end(), p.begin(),
                 [](const Parameter& parameter) { return parameter.start; });
  return p;
}

// By hand.

TEST(GemmForm, ParametersStartWithinTheirBounds) {
  for (const Parameter& parameter : Gemm::kParameters) {
    EXPECT_GT(parameter.low, 0) << parameter.name;
    EXPECT_LT(parameter.low, parameter.start) << parameter.name;
    EXPECT_LT(parameter.start, parameter.high) << parameter.name;
  }
}

TEST(GemmForm, SmallestCallTakesTheLaunch) {
  const double launch = start()[kLaunch];
  const double t = Gemm::seconds(start(), kChip, {1, 1, 1});
  EXPECT_GT(t, launch);
  EXPECT_LT(t, 1.1 * launch);
}

TEST(GemmForm, LargeProductTakesItsOperationsAtTheRate) {
  Parameters p = free_of_charge();
  p[kRate] = 8e14;
  EXPECT_DOUBLE_EQ(Gemm::seconds(p, kChip, {16384, 16384, 16384}), 2 * std::pow(16384.0, 3) / 8e14);
  const double t = Gemm::seconds(start(), kChip, {16384, 16384, 16384});
  const double ideal = 2 * std::pow(16384.0, 3) / start()[kRate];
  EXPECT_GT(t, ideal);
  EXPECT_LT(t, 1.15 * ideal);
}

TEST(GemmForm, OneTokenTakesTheWeightsAtTheBandwidth) {
  Parameters p = free_of_charge();
  p[kBandwidth] = 2e12;
  const double bytes = 2.0 * (16384.0 * 16384 + 2 * 16384);
  EXPECT_NEAR(Gemm::seconds(p, kChip, {1, 16384, 16384}), bytes / 2e12, 1e-9);
  const double t = Gemm::seconds(start(), kChip, {1, 16384, 16384});
  EXPECT_NEAR(t, bytes / start()[kBandwidth], 0.02 * t);
}

TEST(GemmForm, WeightsUsedInTurnAreWarmIfAllFitInL2) {
  Parameters p = free_of_charge();
  p[kBandwidth] = 1e12;
  p[kWarm] = 4;
  const double bytes = 2.0 * 1024 * 1024;
  EXPECT_NEAR(Gemm::seconds(p, kChip, {1, 1024, 1024}), bytes / 1e12, 0.01 * bytes / 1e12);
  EXPECT_NEAR(Gemm::seconds(p, kChip, {1, 1024, 1024, DType::bf16, 6}), bytes / 4e12,
              0.01 * bytes / 4e12);
  EXPECT_NEAR(Gemm::seconds(p, kChip, {1, 1024, 1024, DType::bf16, 600}), bytes / 1e12,
              0.01 * bytes / 1e12);
}

TEST(GemmForm, OneTileTooManyTakesAnotherWave) {
  Parameters p = free_of_charge();
  p[kRate] = 1e15;
  const auto of = [&](std::int64_t tiles) {
    return Gemm::seconds(p, kChip, {64, 64 * tiles, 4096, DType::fp8});
  };
  const double wave = 2.0 * 64 * 64 * 4096 * 128 / 1e15;
  EXPECT_NEAR(of(1), wave, 1e-9 * wave);
  EXPECT_NEAR(of(128), wave, 1e-9 * wave);
  EXPECT_NEAR(of(129), 2 * wave, 1e-9 * wave);
  p[kWaves] = 0.25;
  EXPECT_NEAR(of(192), (0.25 * 2 + 0.75 * 1.5) * wave, 1e-9 * wave);
}

TEST(GemmForm, IdleSmsShareALongK) {
  Parameters p = free_of_charge();
  p[kRate] = 1e15;
  const double whole = 2.0 * 16 * 64 * 65536 * 128 / 1e15;
  EXPECT_NEAR(Gemm::seconds(p, kChip, {16, 64, 65536}), whole / 128, 1e-9 * whole);
  p[kSplit] = whole / 4;
  EXPECT_NEAR(Gemm::seconds(p, kChip, {16, 64, 65536}), whole / 4 + whole / 128, 1e-9 * whole);
  p[kSplit] = whole;
  EXPECT_NEAR(Gemm::seconds(p, kChip, {16, 64, 65536}), whole, 1e-9 * whole);
}

TEST(GemmForm, SmallTilesWaitForL2) {
  Parameters p = free_of_charge();
  p[kFeed] = 1e13;
  const double bytes = (64 + 64) * 4096.0 * 128;
  EXPECT_NEAR(Gemm::seconds(p, kChip, {64, 64, 4096, DType::fp8}), bytes / 1e13, 1e-15);
}

TEST(GemmForm, ResultsLeaveAtTheEnd) {
  Parameters p = free_of_charge();
  p[kDrain] = 1e12;
  EXPECT_NEAR(Gemm::seconds(p, kChip, {8192, 8192, 64}), 2 * 8192.0 * 8192 / 1e12, 1e-12);
}

TEST(GemmForm, EightBitWeightsWantQuantisedTokens) {
  Parameters p = free_of_charge();
  p[kRow] = 1e-9;
  p[kQuantise] = 1e12;
  const Gemm::Case call{4096, 4096, 16384, DType::fp8};
  EXPECT_NEAR(Gemm::seconds(p, kChip, call), 4096e-9 + 5 * 4096.0 * 16384 / 1e12, 1e-9);
  EXPECT_LT(Gemm::seconds(p, kChip, {4096, 4096, 16384}), 1e-9);
  Gemm::Case alone = call;
  alone.tokens_quantised = true;
  EXPECT_LT(Gemm::seconds(p, kChip, alone), 1e-9);
}

TEST(GemmForm, LongKernelsAreThrottled) {
  Parameters p = free_of_charge();
  p[kRate] = 1e15;
  p[kThrottle] = 0.25;
  const double cool = 2 * std::pow(8192.0, 3) / 1e15;
  EXPECT_NEAR(Gemm::seconds(p, kChip, {8192, 8192, 8192}), cool * (1 + 0.25 * cool / (cool + 1e-3)),
              1e-12);
}

// Laws.

Gemm::Case any_call() {
  const auto size = [] {
    return *rc::gen::inRange<std::int64_t>(1, 1 << *rc::gen::inRange(1, 17));
  };
  return {size(), size(), size(), *rc::gen::element(DType::bf16, DType::fp8, DType::int4),
          *rc::gen::element<std::int64_t>(0, 1, 6)};
}

Parameters any_parameters() {
  Parameters p;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Parameter& parameter = Gemm::kParameters[i];
    p[i] =
        parameter.low * std::pow(parameter.high / parameter.low, 1e-3 * *rc::gen::inRange(0, 1001));
  }
  return p;
}

constexpr double kRounding = 1 + 1e-12;

TEST(GemmForm, TwiceTheWorkIsNeverFaster) {
  tests::for_all(
      [] {
        const Parameters p = any_parameters();
        const Gemm::Case one = any_call();
        const double t = Gemm::seconds(p, kChip, one);
        RC_ASSERT(std::isfinite(t));
        RC_ASSERT(t > p[kLaunch]);
        for (const auto size : {&Gemm::Case::m, &Gemm::Case::n, &Gemm::Case::k}) {
          Gemm::Case two = one;
          two.*size *= 2;
          RC_ASSERT(Gemm::seconds(p, kChip, two) * kRounding >= t);
        }
      },
      5000);
}

TEST(GemmForm, EveryParameterPullsOneWay) {
  tests::for_all(
      [] {
        const Parameters p = any_parameters();
        const Gemm::Case call = any_call();
        const double t = Gemm::seconds(p, kChip, call);
        for (const std::size_t slower : {kLaunch, kSplit, kThrottle, kWaves, kRow}) {
          Parameters q = p;
          q[slower] *= 1.5;
          RC_ASSERT(Gemm::seconds(q, kChip, call) * kRounding >= t);
        }
        for (const std::size_t faster :
             {kBandwidth, kRate, kFeed, kDrain, kWarm, kCache, kQuantise, kWide}) {
          Parameters q = p;
          q[faster] *= 1.5;
          RC_ASSERT(Gemm::seconds(q, kChip, call) <= t * kRounding);
        }
        Gemm::Case cold = call;
        cold.rotation = 0;
        RC_ASSERT(Gemm::seconds(p, kChip, cold) * kRounding >= t);
      },
      5000);
}

// Against measurements: vLLM 0.24 on an H200, with parameters fitted to all of them.
TEST(GemmForm, FollowsTheMeasuredH200) {
  const char* data = std::getenv("TERRACE_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "TERRACE_DATA does not point to the measured data";
  }
  std::ifstream csv(std::string(data) + "/silicon/h200_sxm/gemm.csv");
  ASSERT_TRUE(csv) << "no silicon/h200_sxm/gemm.csv in " << data;
  const Parameters p{2.69e-6, 3.99e12, 8.72e14, 1.80e13, 4.95e12, 2.94e-6, 0.172,
                     1.78,    0.668,   0.01,    5e-9,    2e12,    250};
  std::vector<double> errors;
  std::string line;
  std::getline(csv, line);
  while (std::getline(csv, line)) {
    Gemm::Case call;
    call.rotation = 6;
    double microseconds = 0;
    if (std::sscanf(line.c_str(), "bf16,%ld,%ld,%ld,%lf", &call.n, &call.k, &call.m,
                    &microseconds) == 4) {
      errors.push_back(std::abs(Gemm::seconds(p, {132, 50e6}, call) / (microseconds * 1e-6) - 1));
    }
  }
  ASSERT_GT(errors.size(), 7000U);
  std::sort(errors.begin(), errors.end());
  EXPECT_LT(errors[errors.size() / 2], 0.05);
  EXPECT_LT(errors[errors.size() * 9 / 10], 0.13);
}

}  // namespace
}  // namespace terrace::forms
