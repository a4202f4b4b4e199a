#include "sim/base/units.hpp"

#include <concepts>

#include <gtest/gtest.h>

namespace terrace {
namespace {

using namespace terrace::literals;

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};

static_assert(Addable<Bytes, Bytes>);
static_assert(!Addable<Bytes, Tokens>, "wrong units must not compile");
static_assert(!Addable<Bytes, Bandwidth>);
static_assert(!Addable<Duration, Bytes>);
static_assert(!Addable<Dollars, DollarsPerHour>);
static_assert(!std::convertible_to<double, Duration>, "no bare seconds");

TEST(Units, ATransferTakesSizeOverRateRoundedUp) {
  EXPECT_EQ(64_KiB / Bandwidth{8e12}, Duration{8192});
  EXPECT_EQ(1_B / Bandwidth{3e12}, Duration{1});
  EXPECT_EQ(Bytes{} / 1_GBps, Duration::zero());
}

TEST(Units, ADurationBeyondTheEndOfTimeSaturates) {
  EXPECT_EQ(Bytes::max() / Bandwidth{1}, Duration::max());
  EXPECT_EQ(duration_from_seconds(std::numeric_limits<double>::quiet_NaN()), Duration::max());
}

TEST(Units, ACapacityCostsItsPricePerSize) {
  EXPECT_DOUBLE_EQ((Bytes{7'680'000'000'000} * DollarsPerTB{357}).count(), 2741.76);
}

TEST(Units, SecondsRoundTrip) {
  EXPECT_DOUBLE_EQ(seconds(duration_from_seconds(1.25)), 1.25);
  EXPECT_EQ(duration_from_seconds(0), Duration::zero());
}

}  // namespace
}  // namespace terrace
