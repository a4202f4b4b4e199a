// Queueing theory, through scenarios: a replica with one seat is a server, its step time the grain
// of service. Poisson arrivals come to an engine that takes `per_step` for every step, and a
// request of n output tokens and one prompt token takes exactly n steps: the step that computes the
// prompt yields the first token. A request that finds the engine idle starts at once, and the next
// one starts at the instant the last one ends. So a replica with one seat is M/G/1 exactly, with
// S = n * per_step, and Pollaczek-Khinchine holds with the exact moments of the discrete S:
//   mean wait = lambda E[S^2] / (2 (1 - rho)).
//
// Every mean is estimated from 32 independent runs (seeds 0 to 31), the first tenth of each left
// out, and must cover the theory with its 99.9 % Student interval, which must itself be narrower
// than the stated part of the mean: a test that cannot fail proves nothing.

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::Interval;
using testing::kSeeds;
using testing::Record;
using testing::Result;

constexpr double kStep = 1e-3;  // seconds

/// A distribution of the number of steps that a request takes.
struct Service {
  std::vector<std::int64_t> steps;
  std::vector<double> weights;

  [[nodiscard]] double moment(int power) const {
    double sum = 0;
    double total = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      sum += weights[i] * std::pow(static_cast<double>(steps[i]) * kStep, power);
      total += weights[i];
    }
    return sum / total;
  }
  [[nodiscard]] std::string yaml() const {
    return fmt::format("{{distribution: histogram, values: [{}], weights: [{}]}}",
                       fmt::join(steps, ", "), fmt::join(weights, ", "));
  }
};

/// The exponential distribution on a grid: n steps with a weight of (1 - 1/mean)^n, cut off where
/// less than 1e-6 is left.
Service geometric(double mean) {
  Service service;
  double weight = 1;
  for (std::int64_t n = 1; weight > 1e-6; ++n, weight *= 1 - 1 / mean) {
    service.steps.push_back(n);
    service.weights.push_back(weight);
  }
  return service;
}

Scenario queue(const Service& service, double rate, std::int64_t seats, std::int64_t requests) {
  return testing::parse(testing::kTinyModel + testing::kMachine +
                        fmt::format(R"(
serving:
  engine: {{max_num_seqs: {}, enable_prefix_caching: false}}
  cost: {{backend: constant, per_step: 1 ms}}
output: {{timeseries_interval: 1 h}}
workload:
  max_requests: {}
  clients:
    - name: poisson
      arrivals: {{process: poisson, rate: {} /s}}
      prompt: {{distribution: constant, value: 1}}
      output: {}
)",
                                    seats, requests, rate, service.yaml()));
}

using Mean = std::function<double(const Record&)>;

/// The mean of `value` over all requests of a run but the first tenth.
double mean(const Result& run, const Mean& value) {
  double sum = 0;
  const std::size_t from = run.requests.size() / 10;
  for (std::size_t i = from; i < run.requests.size(); ++i) sum += value(run.requests[i]);
  return sum / static_cast<double>(run.requests.size() - from);
}

double wait(const Record& r) { return seconds(r.part(TtftPart::queue)); }

/// Poisson arrivals at utilisation rho of one seat. P-K for the wait; and since Poisson arrivals
/// see time averages, a part 1 - rho of them does not wait.
void check_mg1(const Service& service, double rho, std::int64_t requests) {
  const double lambda = rho / service.moment(1);
  const Scenario scenario = queue(service, lambda, 1, requests);
  std::vector<double> waits;
  std::vector<double> at_once;
  for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
    const Result run = testing::run_seeded(scenario, seed);
    waits.push_back(mean(run, wait));
    at_once.push_back(mean(run, [](const Record& r) { return wait(r) == 0 ? 1.0 : 0.0; }));
    // Nothing but service follows the wait, exactly.
    for (const Record& r : run.requests) {
      ASSERT_EQ((r.e2e() - r.part(TtftPart::queue)).count(), r.output.count() * 1'000'000'000);
    }
  }
  const double theory = lambda * service.moment(2) / (2 * (1 - rho));
  const Interval waited = testing::interval(waits);
  EXPECT_TRUE(waited.holds(theory)) << waited << " s, theory " << theory;
  EXPECT_LT(waited.half, 0.07 * theory);
  const Interval started = testing::interval(at_once);
  EXPECT_TRUE(started.holds(1 - rho)) << started << ", theory " << 1 - rho;
  EXPECT_LT(started.half, 0.03 * (1 - rho));
}

const Service kConstant{{4}, {1}};
const Service kTwoSizes{{2, 38}, {8, 1}};  // mean 6, squared coefficient of variation 3.56

TEST(SlowQueueingLaws, MD1HalfLoaded) { check_mg1(kConstant, 0.5, 8000); }
TEST(SlowQueueingLaws, MD1FourFifthsLoaded) { check_mg1(kConstant, 0.8, 16000); }
TEST(SlowQueueingLaws, MM1HalfLoaded) { check_mg1(geometric(12), 0.5, 8000); }
TEST(SlowQueueingLaws, MM1FourFifthsLoaded) { check_mg1(geometric(12), 0.8, 30000); }
TEST(SlowQueueingLaws, MG1HalfLoaded) { check_mg1(kTwoSizes, 0.5, 12000); }
TEST(SlowQueueingLaws, MG1FourFifthsLoaded) { check_mg1(kTwoSizes, 0.8, 45000); }

/// Erlang's probability that all k servers are busy, by his recursion for the loss system.
double erlang_c(int k, double load) {
  double blocked = 1;
  for (int n = 1; n <= k; ++n) blocked = load * blocked / (n + load * blocked);
  const double rho = load / k;
  return blocked / (1 - rho * (1 - blocked));
}

// Four seats are four servers, but for the grain: who finds a free seat beside running requests
// waits for the step to end, at most one step and half of one on average; who waits for a seat
// gets it at the end of a step as if there were no grain. So the mean wait lies between Erlang's
//   C(k, a) S / (k - a)
// and one step more. S is geometric with mean 40 steps: its waits are (1 + cv^2) / 2 = 0.99 of
// exponential ones (Allen-Cunneen, exact for k = 1).
TEST(SlowQueueingLaws, MMk) {
  const Service service = geometric(40);
  constexpr int kSeats = 4;
  constexpr double kRho = 0.8;
  const double s = service.moment(1);
  const Scenario scenario = queue(service, kRho * kSeats / s, kSeats, 30000);
  std::vector<double> waits;
  for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
    waits.push_back(mean(testing::run_seeded(scenario, seed), wait));
  }
  const double theory = erlang_c(kSeats, kRho * kSeats) * s / (kSeats * (1 - kRho));
  const Interval waited = testing::interval(waits);
  EXPECT_GE(waited.mean + waited.half, 0.99 * theory) << waited;
  EXPECT_LE(waited.mean - waited.half, theory + kStep) << waited;
  EXPECT_LT(waited.half, 0.06 * theory);
  EXPECT_LT(kStep, 0.04 * theory);
}

// A closed network of users who think for an exponential time Z and one server: exact mean value
// analysis (Reiser & Lavenberg 1980),
//   R(n) = S (1 + Q(n-1)),  X(n) = n / (R(n) + Z),  Q(n) = X(n) R(n).
// Exact for exponential S; geometric with a mean of 40 steps has cv^2 = 0.975, which moves R by
// less than 2 %.
TEST(SlowQueueingLaws, ClosedNetwork) {
  const Service service = geometric(40);
  const double s = service.moment(1);
  constexpr double kThink = 0.2;
  constexpr int kUsers = 8;
  double at_server = 0;
  double response = 0;
  for (int n = 1; n <= kUsers; ++n) {
    response = s * (1 + at_server);
    at_server = n * response / (response + kThink);
  }
  Scenario scenario = queue(service, 1, 1, 6000);
  ArrivalSpec& arrivals = scenario.workload.synthetic.clients.front().arrivals;
  arrivals.process = ArrivalLaw::closed_loop;
  arrivals.users = kUsers;
  arrivals.think = {GapDistribution::exponential, std::chrono::milliseconds(200), 1};
  std::vector<double> responses;
  for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
    const Result run = testing::run_seeded(scenario, seed);
    const double everyone = mean(run, [](const Record& r) { return seconds(r.e2e()); });
    responses.push_back(everyone);
    // The response time law, R = N/X - Z, on what was measured; it holds up to the ends of the run.
    const double throughput = static_cast<double>(run.finished) / seconds(run.end);
    EXPECT_NEAR(kUsers / throughput - kThink, everyone, 0.05 * everyone);
  }
  const Interval measured = testing::interval(responses);
  EXPECT_LE(std::abs(measured.mean - response), measured.half + 0.02 * response) << measured;
  EXPECT_LT(measured.half, 0.02 * response);
}

}  // namespace
}  // namespace terrace
