// The load that a queue bears, against what queueing theory says it bears.

#include "sim/study/load/capacity.hpp"

#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/kv/capacity.hpp"
#include "tests/for_all.hpp"
#include "tests/study/load/queues.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::kTenTokens;
using testing::queue;

constexpr double kService = 0.01;  // seconds

std::vector<SloBound> bounds(const std::string& text) { return *parse_slo(text).value; }

Capacity capacity_of(const Scenario& scenario, const std::string& slo, std::size_t seeds = 1,
                     double precision = 0.02, std::size_t jobs = 1) {
  return *find_capacity(scenario, bounds(slo), {seeds, precision, jobs, {}});
}

/// Where a function that grows passes a value, by bisection.
double inverse(const std::function<double(double)>& f, double value, double low, double high) {
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (f(middle) < value ? low : high) = middle;
  }
  return low;
}

/// P(wait > t) of M/M/k by Erlang C.
double waits_longer(int k, double lambda, double mu, double t) {
  const double a = lambda / mu;
  double term = 1;  // a^i / i!
  double sum = 0;
  for (int i = 0; i < k; ++i) {
    sum += term;
    term *= a / (i + 1);
  }
  const double last = term * k / (k - a);
  return last / (sum + last) * std::exp(-(k * mu - lambda) * t);
}

/// P(wait <= t) of M/D/1 (Erlang 1909; Crommelin 1932):
///   (1 - rho) sum_{i = 0}^{t / D} e^-x (-x)^i / i!,  x = lambda (i D - t).
double waits_no_longer(double lambda, double service, double t) {
  long double sum = 0;
  for (int i = 0; i * service <= t; ++i) {
    const long double x = static_cast<long double>(lambda) * (t - i * service);
    long double term = std::exp(x);
    for (int j = 1; j <= i; ++j) term *= -x / j;
    sum += term;
  }
  return static_cast<double>((1 - lambda * service) * sum);
}

// The search is precise to 0.5 %, and stops below the edge; the rest of the 2 % is for the draws of
// 3 seeds.
TEST(SlowCapacity, OfMD1IsWhereTheMeanWaitOfPollaczekAndKhinchineMeetsTheBound) {
  for (const double bound : {0.02, 0.035}) {
    // TTFT = S + lambda S^2 / (2 (1 - rho))
    const double theory = inverse(
        [](double lambda) {
          return kService + lambda * kService * kService / (2 * (1 - lambda * kService));
        },
        bound, 1, 99.9);
    const Capacity found =
        capacity_of(queue(50, 60'000), fmt::format("ttft_mean={} ms", 1000 * bound), 3, 0.005);
    EXPECT_NEAR(found.rate().mean, theory, 0.02 * theory) << bound;
  }
}

TEST(SlowCapacity, OfMD1IsWhereCrommelinsTailMeetsTheBound) {
  for (const double wait : {0.03, 0.06}) {
    const double theory = inverse(
        [&](double lambda) { return 1 - waits_no_longer(lambda, kService, wait); }, 0.01, 1, 95);
    const Capacity found = capacity_of(
        queue(50, 60'000), fmt::format("ttft_p99={} ms", 1000 * (wait + kService)), 3, 0.005);
    EXPECT_NEAR(found.rate().mean, theory, 0.02 * theory) << wait;
  }
}

/// A geometric distribution: exponential, in whole numbers.
std::string geometric(int mean) {
  std::string values;
  std::string weights;
  double weight = 1;
  for (int n = 1; weight > 1e-9; ++n, weight *= 1 - 1.0 / mean) {
    values += fmt::format("{}{}", n == 1 ? "" : ", ", n);
    weights += fmt::format("{}{}", n == 1 ? "" : ", ", weight);
  }
  return fmt::format("{{distribution: histogram, values: [{}], weights: [{}]}}", values, weights);
}

// 100 tokens of 1 ms. TTFT is the wait and the service, which is M/M/1's time in the system, an
// exponential of mean 1 / (mu - lambda).
TEST(SlowCapacity, OfMM1IsWhereTheTailMeetsTheBound) {
  constexpr double kMu = 10;
  for (const double limit : {0.9, 1.5}) {
    const double theory = kMu - std::log(100) / limit;
    const Capacity found = capacity_of(queue(4, 100'000, geometric(100)),
                                       fmt::format("ttft_p99={} ms", 1000 * limit), 3, 0.005);
    EXPECT_NEAR(found.rate().mean, theory, 0.02 * theory) << limit;
  }
}

// M/M/k is an engine of k seats whose steps take the same time whatever is in them: a request takes
// a geometric number of them, and the queue is one. A request that comes to a busy engine joins at
// the next step, half a step later on average: the step is short.
TEST(SlowCapacity, OfMMkIsWhereErlangCMeetsTheBound) {
  constexpr double kMu = 10;  // 100 steps of 1 ms
  for (const int k : {2, 4}) {
    const double longest = 1.0 / k;  // so long that a little more load makes many more wait longer
    const Scenario scenario = testing::parse(testing::kTinyModel + testing::kMachine +
                                             fmt::format(R"(
serving:
  engine: {{max_num_seqs: {}, enable_prefix_caching: false}}
  cost: {{backend: constant, per_step: 1 ms}}
output: {{timeseries_interval: 1 h}}
workload:
  max_requests: 40000
  clients:
    - name: poisson
      arrivals: {{process: poisson, rate: {} /s}}
      prompt: {{distribution: constant, value: 1}}
      output: {}
)",
                                                         k, 5.0 * k, geometric(100)));
    const double theory =
        inverse([&](double lambda) { return waits_longer(k, lambda, kMu, longest); }, 0.01, 0.1,
                k * kMu - 0.1);
    const Capacity found =
        capacity_of(scenario, fmt::format("ttft_p99={} ms", 1000 * longest + 1.5), 3, 0.005);
    EXPECT_NEAR(found.rate().mean, theory, 0.02 * theory) << k;
  }
}

TEST(Capacity, WithALaxBoundIsWhatTheServerServes) {
  // 100 /s exactly; a run of 4,000 shows that a queue grows from 1.01 of that on, or somewhat less.
  const Capacity found = capacity_of(queue(30, 4000), "ttft_p99=1h", 3);
  EXPECT_NEAR(found.rate().mean, 100, 6);
  for (const SeedCapacity& seed : found.seeds) {
    EXPECT_TRUE(seed.at.passes());
    EXPECT_FALSE(seed.above.keeps_up);
    EXPECT_TRUE(seed.above.judged[0].met);
    EXPECT_FALSE(seed.above.cut_short);
    EXPECT_LE(seed.beyond, seed.factor * 1.02);
  }
}

TEST(Capacity, OfAClosedLoopIsAWholeNumberOfUsers) {
  // N users without pauses on one server: everyone waits for all others, so TTFT = N S.
  Scenario scenario = queue(1, 2000);
  ArrivalSpec& arrivals = scenario.workload.synthetic.clients[0].arrivals;
  arrivals = {};
  arrivals.process = ArrivalLaw::closed_loop;
  arrivals.users = 3;
  const Capacity found = capacity_of(scenario, "ttft_p99=75ms");
  ASSERT_EQ(found.seeds.size(), 1U);
  EXPECT_EQ(found.users()->mean, 7);
  EXPECT_NEAR(found.rate().mean, 100, 0.5);
  EXPECT_LE(found.runs, 8U);  // no number of users is tried twice
}

TEST(Capacity, CountsSessionsUnderWayAsUsers) {
  // Turns of some 10 ms with pauses of 1 s: N = X (R + Z), but for the last turns' pauses.
  Scenario scenario = queue(2, 6000, "{distribution: constant, value: 1}");
  ClientSpec& client = scenario.workload.synthetic.clients[0];
  client.content.kind = ContentLaw::conversation;
  client.content.turns.value = Tokens{10};
  client.content.think.mean = 1s;
  const Trial trial = *attempt(scenario, bounds("ttft=1s"));
  // Two sessions begin each second, and last for nine pauses and a little.
  EXPECT_NEAR(*users_of(scenario, trial), 2 * 9.1, 1.5);
  EXPECT_NEAR(trial.offered.count(), 20, 1);
}

TEST(Capacity, ThatNoLoadHasSaysWhichBoundAnIdleMachineMisses) {
  try {
    static_cast<void>(capacity_of(queue(50, 1000), "ttft_p99=5ms,ttft_mean=1s"));
    FAIL();
  } catch (const Infeasible& e) {
    EXPECT_THAT(e.what(), HasSubstr("however little comes"));
    EXPECT_THAT(e.what(), HasSubstr("ttft_p99 is 10 ms, and must not exceed 5 ms"));
    EXPECT_THAT(e.what(), ::testing::Not(HasSubstr("ttft_mean")));
  }
}

TEST(Capacity, StopsWhenToldTo) {
  CapacityOptions options;
  options.proceed = [](const CapacityProgress&) { return false; };
  EXPECT_FALSE(find_capacity(queue(50, 2'000'000), bounds("ttft_p99=30ms"), options));
}

TEST(Capacity, IsTheSameForAnyNumberOfThreads) {
  const Scenario scenario = queue(40, 1500, testing::kAboutTenTokens);
  const Capacity one = capacity_of(scenario, "ttft_p99=60ms", 4, 0.02, 1);
  const Capacity many = capacity_of(scenario, "ttft_p99=60ms", 4, 0.02, 4);
  EXPECT_EQ(one.runs, many.runs);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(one.seeds[i].factor, many.seeds[i].factor);
    EXPECT_EQ(one.seeds[i].above.judged[0].value, many.seeds[i].above.judged[0].value);
    EXPECT_EQ(one.seeds[i].seed, static_cast<std::int64_t>(i));
  }
}

TEST(Capacity, OfATimedWorkloadJudgesAsManyRequestsAtEveryLoad) {
  Scenario scenario = queue(50, 1);
  scenario.workload.synthetic.max_requests.reset();
  scenario.workload.synthetic.duration = 20s;
  const Scenario fixed = searchable(scenario, std::nullopt);
  EXPECT_NEAR(static_cast<double>(*fixed.workload.synthetic.max_requests), 1000, 150);
  EXPECT_FALSE(fixed.workload.synthetic.duration);
  EXPECT_EQ(searchable(scenario, 77).workload.synthetic.max_requests, 77);
  EXPECT_EQ(searchable(queue(50, 9), std::nullopt).workload.synthetic.max_requests, 9);
}

// What can only help never costs more than the precision of two searches. Random draws are common.
TEST(Capacity, NeverFallsWithALaxerBoundOrAFasterMachine) {
  tests::for_all(
      [] {
        const auto seed = *rc::gen::inRange<std::int64_t>(0, 1000);
        const auto limit = *rc::gen::inRange<std::int64_t>(80, 400);
        const auto* const figure = *rc::gen::element("ttft_p90", "ttft_p99", "ttft_mean");
        const auto slo = [&](std::int64_t ms) { return fmt::format("{}={} ms", figure, ms); };
        Scenario scenario = queue(40, 800, testing::kAboutTenTokens);
        scenario.seed = seed;
        const double base = capacity_of(scenario, slo(limit)).factor().mean;
        const double laxer = capacity_of(scenario, slo(limit * 3 / 2)).factor().mean;
        Scenario faster = scenario;
        faster.serving.cost.constant.per_prefill_token = 800us;
        const double fast = capacity_of(faster, slo(limit)).factor().mean;
        Scenario two = scenario;
        two.serving.replicas = 2;
        const double doubled = capacity_of(two, slo(limit)).factor().mean;
        RC_ASSERT(laxer * 1.02 * 1.02 >= base);
        RC_ASSERT(fast * 1.02 * 1.02 >= base);
        RC_ASSERT(doubled * 1.02 * 1.02 >= base);
      },
      40);
}

}  // namespace
}  // namespace terrace
