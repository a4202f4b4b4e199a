#include "sim/cost/forms/cpu.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sim/base/check.hpp"
#include "tests/cost/forms/form_parameters.hpp"

namespace terrace::forms {
namespace {

constexpr Chip kFour{4, 32e6};

/// Equal pieces one by one to the thread that is free first: one at once, the others when awake.
double dealt_out(int pieces, double each, int threads, double wake) {
  std::vector<double> free_at(static_cast<std::size_t>(threads), pieces > 1 ? wake : 1e300);
  free_at[0] = 0;
  for (int i = 0; i < pieces; ++i) *std::min_element(free_at.begin(), free_at.end()) += each;
  if (pieces <= 1) return free_at[0];
  return *std::max_element(free_at.begin(), free_at.end());
}

RC_GTEST_PROP(CpuThreads, ArriveWithinAPieceOfHowTheyAreDealtOut, ()) {
  const int pieces = *rc::gen::inRange(1, 200);
  const int threads = *rc::gen::inRange(1, 33);
  const double each = *rc::gen::inRange(1, 1000);
  const double wake = *rc::gen::inRange(1, 100'000);
  const double busy = pieces * each / threads;
  const double found = threads_seconds({busy, 1.0 / pieces, static_cast<double>(pieces)},
                                       static_cast<double>(threads), wake);
  const double truth = dealt_out(pieces, each, threads, wake);
  RC_ASSERT(std::abs(found - truth) <= each * (1 + 1e-12));
}

RC_GTEST_PROP(CpuGemm, MoreOfAnythingTakesLonger, ()) {
  const auto p = any_parameters<CpuGemm>();
  const CpuGemm::Case x{*rc::gen::inRange(1, 3000), *rc::gen::inRange(65, 9000),
                        *rc::gen::inRange(1, 9000), static_cast<double>(*rc::gen::element(1, 2))};
  const double t = CpuGemm::seconds(p, kFour, x);
  RC_ASSERT(t > 0 && std::isfinite(t));
  CpuGemm::Case more = x;
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      more.m += *rc::gen::inRange(1, 100);
      break;
    case 1:
      more.n += 64;
      break;
    case 2:
      more.k += *rc::gen::inRange(1, 100);
      break;
  }
  RC_ASSERT(at_least(CpuGemm::seconds(p, kFour, more), t));
}

RC_GTEST_PROP(CpuDecode, MoreOfAnythingTakesLonger, ()) {
  const auto p = any_parameters<CpuDecode>();
  const auto length = static_cast<double>(*rc::gen::inRange(1, 100'000));
  const std::int64_t batch = *rc::gen::inRange(1, 300);
  const CpuDecode::Case x{.batch = batch,
                          .kv_tokens = static_cast<double>(batch) * length,
                          .heads = 32,
                          .kv_heads = std::int64_t{1} << *rc::gen::inRange(0, 6),
                          .longest = length};
  const double t = CpuDecode::seconds(p, kFour, x);
  RC_ASSERT(t > 0 && std::isfinite(t));
  CpuDecode::Case more = x;
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      more.kv_tokens += 1;
      more.longest += 1;
      break;
    case 1:
      more.batch += 1;
      more.kv_tokens += length;
      break;
    case 2:
      more.heads *= 2;
      more.kv_heads *= 2;
      break;
  }
  RC_ASSERT(at_least(CpuDecode::seconds(p, kFour, more), t));
}

TEST(CpuDecode, MovingAndComputingAddUp) {
  // 1e9 scores, 1e8 rows, 10 GB/s; threads that are awake, outputs for nothing.
  const std::vector<double> p = {1e-9, 1e9, 1e8, 10e9, 1e15};
  const CpuDecode::Case x{
      .batch = 64, .kv_tokens = 64.0 * 4096, .heads = 32, .kv_heads = 8, .longest = 4096};
  const double tokens = 64.0 * 4096;
  const double expected = tokens * 32 / 1e9 + tokens * 8 / 1e8 + tokens * 8 * 2 * 128 * 2 / 10e9;
  EXPECT_NEAR(CpuDecode::seconds(p, kFour, x) / expected, 1, 1e-6);
}

TEST(CpuDecode, OneThreadTakesWhatIsOnePiece) {
  const std::vector<double> p = {50e-6, 1e9, 1e8, 10e9, 1e15};
  const auto t = [&](std::int64_t kv_heads, const Chip& chip) {
    return CpuDecode::seconds(
        p, chip, {.kv_tokens = 500, .heads = 16, .kv_heads = kv_heads, .longest = 500});
  };
  EXPECT_NEAR(t(1, kFour), 4 * t(1, {1, 0}), 1e-12) << "rates are those of all threads";
  EXPECT_GE(t(2, kFour), 50e-6) << "two pieces wake the others";
}

TEST(CpuPrefill, WalksTheKeysOfItsPieces) {
  // Only what is widened counts: 64 rows, that is 16 tokens of four heads, share it.
  const std::vector<double> p = {1e-9, 1e30, 1e30, 10e9, 1e30};
  for (const double prefix : {0.0, 1000.0}) {
    double keys = 0;
    for (double last = 16; last <= 512; last += 16) keys += prefix + last;
    const double pairs = 512 * prefix + 512 * 513 / 2.0;
    const double t = CpuPrefill::seconds(
        p, kFour, CpuPrefill::Case{.heads = 32, .kv_heads = 8, .fresh = 512, .pairs = pairs});
    EXPECT_NEAR(t / (keys * 8 * 2 * 128 * 2 / 10e9), 1, 1e-6) << prefix;
  }
}

RC_GTEST_PROP(CpuPrefill, SequencesOfACallAddUpButForTheWaking, ()) {
  const auto p = any_parameters<CpuPrefill>();
  const auto fresh = static_cast<double>(*rc::gen::inRange(1, 3000));
  const auto prefix = static_cast<double>(*rc::gen::inRange(0, 3000));
  const CpuPrefill::Case one{.heads = 32,
                             .kv_heads = 8,
                             .fresh = fresh,
                             .pairs = fresh * prefix + fresh * (fresh + 1) / 2};
  CpuPrefill::Case two = one;
  two.batch = 2;
  CpuPrefill::Load sum = CpuPrefill::load(one);
  sum += CpuPrefill::load(one);
  const double t = CpuPrefill::seconds(p, kFour, one);
  const double both = CpuPrefill::seconds(p, kFour, two);
  RC_ASSERT(std::abs(CpuPrefill::seconds(p, kFour, sum) / both - 1) < 1e-12);
  RC_ASSERT(at_least(both, t) && at_least(2 * t, both));
}

RC_GTEST_PROP(CpuPrefill, OtherPromptsDoNotHideTheLargestPiece, ()) {
  const auto p = any_parameters<CpuPrefill>();
  const Chip chip{static_cast<double>(*rc::gen::inRange(1, 100)), 32e6};
  const auto prompt = [](double fresh, double prefix) {
    return CpuPrefill::load({.heads = 32,
                             .kv_heads = 8,
                             .fresh = fresh,
                             .pairs = fresh * prefix + fresh * (fresh + 1) / 2});
  };
  const CpuPrefill::Load one = prompt(*rc::gen::inRange(1, 100), 100'000);
  CpuPrefill::Load all = one;
  for (int i = *rc::gen::inRange(1, 100); i > 0; --i) all += prompt(16, 0);
  RC_ASSERT(at_least(CpuPrefill::seconds(p, chip, all), CpuPrefill::seconds(p, chip, one)));
}

TEST(CpuPrefill, WaitsForTheLargestPieceOfUnequalPrompts) {
  // A score takes 1 ns; 64 threads are awake. One head and 64 tokens are one piece.
  const std::vector<double> p = {1e-15, 64e9, 1e30, 1e30, 1e30};
  const auto prompt = [](double pairs) { return CpuPrefill::load({.fresh = 64, .pairs = pairs}); };
  CpuPrefill::Load load = prompt(64e6);
  for (int i = 0; i < 63; ++i) load += prompt(64e3);
  EXPECT_NEAR(CpuPrefill::seconds(p, {64, 0}, load), 64e6 * 64 / 64e9, 1e-9);
}

TEST(CpuPrefill, NoTokensAreNoCall) {
  EXPECT_THROW(static_cast<void>(CpuPrefill::load({.fresh = 0, .pairs = 0})), InvariantViolation);
}

TEST(CpuMlaDecode, LatentsAreSharedByUpTo64Heads) {
  const std::vector<double> p = {1e-9, 1e30, 10e9, 1e30};
  const auto t = [&](std::int64_t heads) {
    return CpuMlaDecode::seconds(p, kFour, {.batch = 8, .kv_tokens = 8192, .heads = heads});
  };
  EXPECT_NEAR(t(1) / (8192 * 576 * 2 / 10e9), 1, 1e-4);
  EXPECT_NEAR(t(64) / t(1), 1, 1e-4);
  EXPECT_NEAR(t(128) / t(1), 2, 1e-4);
}

}  // namespace
}  // namespace terrace::forms
