#include "sim/workload/arrivals.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/workload/content.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;

// Seeds are fixed, so these tests never flicker. Unless said otherwise a bound is four deviations
// of the statistic under a correct process, which one seed in 16,000 exceeds.
constexpr double kSigmas = 4;
constexpr std::size_t kArrivals = 50'000;

std::vector<double> times_of(const ArrivalSpec& spec, std::size_t count = kArrivals) {
  const auto process = make_arrivals(spec, 7, "client");
  std::vector<double> times(count);
  SimTime last{};
  for (double& time : times) {
    const SimTime at = process->next();
    EXPECT_GE(at, last);
    time = seconds(last = at);
  }
  return times;
}

struct Gaps {
  double mean = 0;
  double cv = 0;
};

Gaps gaps_of(const std::vector<double>& times) {
  const auto n = static_cast<double>(times.size());
  const double mean = times.back() / n;
  double squares = 0;
  double last = 0;
  for (const double time : times) {
    squares += (time - last - mean) * (time - last - mean);
    last = time;
  }
  return {mean, std::sqrt(squares / n) / mean};
}

/// Independent gaps of this cv and kurtosis, n = 50,000, k = 4: the mean scatters by cv / sqrt(n),
/// and the variance by sqrt((kurtosis - 1) / n), both relative.
void expect_renewal(const ArrivalSpec& spec, double cv, double kurtosis) {
  const Gaps gaps = gaps_of(times_of(spec));
  const double n = kArrivals;
  EXPECT_NEAR(gaps.mean * spec.rate.count(), 1, kSigmas * cv / std::sqrt(n));
  const double of_variance = std::sqrt((kurtosis - 1) / n) + 2 * cv / std::sqrt(n);
  EXPECT_NEAR(gaps.cv / cv, 1, kSigmas * of_variance / 2);
}

TEST(Arrivals, PoissonGapsAreExponential) {
  ArrivalSpec spec;
  spec.rate = Frequency{20};
  expect_renewal(spec, 1, 9);
}

TEST(Arrivals, GammaGapsHaveTheRateAndTheCv) {
  for (const double cv : {0.3, 1.0, 2.0, 3.5}) {
    ArrivalSpec spec;
    spec.process = ArrivalLaw::gamma;
    spec.rate = Frequency{20};
    spec.cv = cv;
    SCOPED_TRACE(cv);
    expect_renewal(spec, cv, 3 + 6 * cv * cv);
  }
}

TEST(Arrivals, DeterministicArrivalsDoNotDrift) {
  ArrivalSpec spec;
  spec.process = ArrivalLaw::deterministic;
  spec.rate = Frequency{3};
  const auto process = make_arrivals(spec, 7, "client");
  for (std::int64_t n = 0; n < 3'000; ++n) {
    const Duration third{(n * 1'000'000'000'000 + 1) /
                         3};  // to the nearest: n % 3 rounds 0, 1/3, 2/3
    ASSERT_EQ(process->next(), SimTime{third}) << n;
  }
}

ArrivalSpec bursts(double rate_on, double rate_off) {
  ArrivalSpec spec;
  spec.process = ArrivalLaw::on_off;
  spec.rate_on = Frequency{rate_on};
  spec.rate_off = Frequency{rate_off};
  spec.mean_on = 2s;
  spec.mean_off = 6s;
  return spec;
}

// The count N of an MMPP over a long time T has a mean of r T and a variance near
// r T + 2 T (rate_on - rate_off)^2 p q / (1/mean_on + 1/mean_off), where p = 1 - q is the part of
// the time on (Fischer & Meier-Hellstern 1993).
TEST(Arrivals, OnOffHasItsLongRunRate) {
  for (const double rate_off : {0.0, 5.0}) {
    const ArrivalSpec spec = bursts(40, rate_off);
    const auto process = make_arrivals(spec, 7, "client");
    constexpr double kTime = 8'000;
    double count = 0;
    while (seconds(process->next()) < kTime) ++count;
    const double rate = 40 * 0.25 + rate_off * 0.75;
    const double difference = 40 - rate_off;
    const double variance =
        rate * kTime + 2 * kTime * difference * difference * 0.25 * 0.75 / (1 / 2.0 + 1 / 6.0);
    EXPECT_NEAR(count, rate * kTime, kSigmas * std::sqrt(variance)) << rate_off;
  }
}

// At 1000/s while on and nothing while off, a gap over 50 ms (probability e^-50 while on) is a time
// off, and the rest are times on. Both are exponential; n = 1000 cycles, k = 4.
TEST(Arrivals, OnOffSpendsItsTimeOnAndOff) {
  const std::vector<double> times = times_of(bursts(1'000, 0), 2'000'000);
  double off = 0;
  double cycles = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (const double gap = times[i] - times[i - 1]; gap > 0.05) {
      off += gap;
      ++cycles;
    }
  }
  const double total = times.back() - times.front();
  // Off-times under 50 ms (0.8 % of them) are not seen, and a seen one is longer by 1/1000 s at
  // either end; the first moves the means by less than the allowance of 0.02.
  EXPECT_NEAR(off / cycles / 6, 1, kSigmas / std::sqrt(cycles) + 0.02);
  EXPECT_NEAR((total - off) / cycles / 2, 1, kSigmas / std::sqrt(cycles) + 0.02);
  EXPECT_GT(cycles, 900);
}

// 1 of 4 clients is on at time 0, and shows it within 7 ms but for one in 1000; n = 4000, k = 4.
TEST(Arrivals, OnOffBeginsInItsSteadyState) {
  constexpr int kClients = 4'000;
  int on = 0;
  for (int client = 0; client < kClients; ++client) {
    on += make_arrivals(bursts(1'000, 0), 7, std::to_string(client))->next() < SimTime{7ms};
  }
  EXPECT_NEAR(on / static_cast<double>(kClients), 0.25, kSigmas * std::sqrt(0.1875 / kClients));
}

TEST(Arrivals, OnOffPhasesDoNotDependOnTheRates) {
  // With rates 1:2 at the same phases and the same luck, arrival n at the doubled rate is not
  // after arrival n at the single one.
  const std::vector<double> slow = times_of(bursts(40, 0), 10'000);
  const std::vector<double> fast = times_of(bursts(80, 0), 10'000);
  for (std::size_t i = 0; i < slow.size(); ++i) ASSERT_LE(fast[i], slow[i]);
}

TEST(Arrivals, OnOffWithOneRateIsPoisson) {
  ArrivalSpec spec = bursts(20, 20);
  spec.rate = Frequency{20};
  expect_renewal(spec, 1, 9);
}

TEST(Arrivals, DiurnalFollowsItsSine) {
  ArrivalSpec spec;
  spec.process = ArrivalLaw::diurnal;
  spec.rate = Frequency{50};
  spec.amplitude = 0.8;
  spec.period = 100s;
  spec.phase = 0.25;  // a cosine: the peak is at time 0
  constexpr std::size_t kSlots = 20;
  constexpr double kPeriods = 10;
  const auto process = make_arrivals(spec, 7, "client");
  std::vector<double> counts(kSlots);
  for (double at = 0; (at = seconds(process->next())) < 100 * kPeriods;) {
    ++counts[static_cast<std::size_t>(at / 5) % kSlots];
  }
  // A slot's count over all periods is Poisson with the area under the rate: about 500 to 4500.
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    const double from = 2 * M_PI * static_cast<double>(slot) / kSlots;
    const double to = 2 * M_PI * static_cast<double>(slot + 1) / kSlots;
    const double area = 5 + 0.8 * 100 / (2 * M_PI) * (std::sin(to) - std::sin(from));
    const double expected = 50 * kPeriods * area;
    EXPECT_NEAR(counts[slot], expected, kSigmas * std::sqrt(expected)) << slot;
  }
}

TEST(Arrivals, DiurnalOfFullSwingIsSilentAtTheTrough) {
  ArrivalSpec spec;
  spec.process = ArrivalLaw::diurnal;
  spec.rate = Frequency{100};
  spec.amplitude = 1;
  spec.period = 100s;
  // Around 3/4 of a period the rate is below 100 * (1 - cos(0.02 pi)) = 0.2/s for 2 s: the area of
  // 10 such troughs is 1.3 arrivals; 8 or more come with a probability of 1e-4.
  int in_trough = 0;
  for (const double time : times_of(spec, 100'000)) {
    const double part = std::fmod(time, 100.0);
    in_trough += part > 74 && part < 76;
  }
  EXPECT_LT(in_trough, 8);
}

TEST(Arrivals, SineAgreesWithTheLibrary) {
  for (int i = 0; i <= 4'000; ++i) {
    const double turns = i / 1'000.0;
    EXPECT_NEAR(sine_of_turns(turns), std::sin(2 * M_PI * std::fmod(turns, 1.0)), 1e-15) << turns;
  }
  EXPECT_EQ(sine_of_turns(0), 0);
  EXPECT_EQ(sine_of_turns(0.5), 0);
  EXPECT_EQ(sine_of_turns(1), 0);
}

TEST(Arrivals, EndOfTimeIsNever) {
  ArrivalSpec spec;
  spec.rate = Frequency{1e-7};  // every 116 days, which is past the end of time
  for (const ArrivalLaw law : {ArrivalLaw::poisson, ArrivalLaw::gamma, ArrivalLaw::deterministic,
                               ArrivalLaw::diurnal, ArrivalLaw::on_off}) {
    spec.process = law;
    spec.rate_on = Frequency{1e-7};
    spec.mean_on = 1h;
    spec.mean_off = 1h;
    spec.period = 24h;
    const auto process = make_arrivals(spec, 1, "client");
    for (int i = 0; i < 50; ++i) static_cast<void>(process->next());
    EXPECT_EQ(process->next(), kNever);
    EXPECT_EQ(process->next(), kNever);
  }
}

}  // namespace
}  // namespace terrace
