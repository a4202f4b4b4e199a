// That the search finds what simulating everything finds, and gives the same whoever does it and
// however often it is stopped.

#include "sim/study/plan/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/fabric/wear.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/study/load/trial.hpp"
#include "sim/study/plan/choice.hpp"
#include "sim/study/plan/node_bracket.hpp"
#include "sim/study/plan/outlook.hpp"
#include "sim/study/run.hpp"
#include "tests/scenario/random_scenario.hpp"
#include "tests/scenario/run_yaml.hpp"
#include "tests/study/plan/small_plans.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tests::SmallPlan;
using namespace std::chrono_literals;

PlanResults found(const Plan& plan, double load, PlanOptions options = {}) {
  RunStore store(":memory:");
  return search(plan, load, store, options);
}

/// Whether a trial of 1, 2 ... nodes passes, of every number that the limits allow.
std::vector<bool> every_number(const Plan& plan, const Candidate& candidate, double load) {
  std::vector<bool> passes;
  const std::int64_t most = within_limits(plan, candidate).most_nodes;
  for (std::int64_t nodes = 1; nodes <= most; ++nodes) {
    try {
      passes.push_back(attempt(candidate.on(nodes, load), plan.bounds)->passes());
    } catch (const Infeasible&) {
      passes.push_back(false);
    }
  }
  return passes;
}

std::vector<std::optional<std::int64_t>> nodes_of(const PlanResults& results) {
  std::vector<std::optional<std::int64_t>> nodes;
  for (const auto& evaluation : results.evaluations) nodes.push_back(evaluation->nodes);
  return nodes;
}

std::vector<std::string> choice_of(const Plan& plan, const PlanResults& results) {
  std::vector<std::string> all;
  for (const Offer& offer : choose(plan, results, 20).offers) {
    all.push_back(fmt::format("{} x {}: {} {} {}", offer.nodes,
                              plan.candidates[offer.candidate].name, offer.typical.per_hour.count(),
                              offer.slo_used, offer.wins));
  }
  return all;
}

/// One request after another, each one step of 10 ms: a replica serves a hundred a second.
Scenario one_by_one(const std::string& arrivals, const std::vector<std::string>& sets = {}) {
  return testing::parse(testing::kTinyModel + testing::kMachine + R"(
serving:
  engine: {max_num_seqs: 1}
  cost: {backend: constant, per_step: 10 ms, per_prefill_token: 0 ps, per_decode: 0 ps}
workload:
  max_requests: 600
  clients:
    - name: c
      arrivals: )" + arrivals +
                            R"(
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
)",
                        sets);
}

const SloBound kSoon{"", Latency::ttft, 0.99, 30ms};

TEST(PlanSearch, AQueueByHand) {
  // 250 requests a second, evenly: two replicas serve 200, three serve all, each at once.
  SmallPlan plan({kSoon});
  plan.machine("m", one_by_one("{process: deterministic, rate: 250 /s}"), 10'000);
  const PlanResults results = found(*plan, 1);
  const Evaluation& e = *results.evaluations[0];
  ASSERT_EQ(e.nodes, 3);
  // 600 come within 2.396 s and must be done 30 ms later, but for six of them; a trial that leaves
  // out half as warm-up sees 297 within 1.226 s, and a floor that is lowered by a tenth allows 110
  // a second: 242 / 110.
  EXPECT_EQ(e.prospect.least_nodes, 3);
  EXPECT_EQ(e.prospect.least_by, Obstacle::compute);
  EXPECT_EQ(e.runs, 1U);
  EXPECT_EQ(e.performance->slo[0], 10ms);
  EXPECT_NEAR(e.performance->requests_per_second, 250, 1e-9);
  EXPECT_NEAR(e.performance->output_tokens_per_second, 250, 1e-9);
  EXPECT_NEAR(e.performance->prompt_tokens_per_second, 250, 1e-9);
  EXPECT_EQ(e.performance->prefill_share, 1);
  EXPECT_NEAR(e.performance->use.gpu_busy, 2.5 / 3, 1e-9);
  EXPECT_NEAR(e.performance->turnovers, 600 / 2.5, 1) << "of 2.5 inside, by Little's law";
  EXPECT_EQ(every_number(*plan, plan->candidates[0], 1),
            (std::vector<bool>{false, false, true, true}));
  // Four times the load takes ten, which four nodes are not.
  const Evaluation more = *found(*plan, 4).evaluations[0];
  EXPECT_FALSE(more.meets());
  EXPECT_EQ(more.obstacle, Obstacle::nodes);
  EXPECT_EQ(more.runs, 0U);
  EXPECT_THAT(more.why, HasSubstr("9 nodes, of 4 at most"));
}

TEST(PlanSearch, WhatStandsInTheWayIsNamed) {
  const Scenario scenario = one_by_one("{process: poisson, rate: 250 /s}");
  const auto obstacle = [&](auto change, const SloBound& bound = kSoon) {
    SmallPlan plan({bound});
    plan.machine("m", scenario, 10'000);
    change(*plan);
    const Evaluation e = *found(*plan, 1).evaluations[0];
    EXPECT_FALSE(e.meets());
    return std::pair(e.obstacle, e.why);
  };
  const auto nothing = [](Plan&) {};
  EXPECT_EQ(obstacle([](Plan& p) { p.spec.limits.budget = Dollars{20'000}; }).first,
            Obstacle::budget);
  EXPECT_EQ(obstacle([](Plan& p) { p.spec.limits.rack_units = 8; }).first, Obstacle::rack_units);
  EXPECT_EQ(obstacle([](Plan& p) {
              p.candidates[0].scenario.hardware.gpu.power = Power{700};
              p.spec.limits.power = Power{1000};
            }).first,
            Obstacle::power);
  EXPECT_EQ(obstacle([](Plan& p) { p.spec.limits.spare_nodes = 3; }).first, Obstacle::nodes);
  const auto [slow, why] = obstacle(nothing, {"", Latency::ttft, 0.99, 5ms});
  EXPECT_EQ(slow, Obstacle::latency);
  EXPECT_THAT(why, HasSubstr("ttft_p99 is 9.091 ms at least, on an idle machine; 5 ms"));
  EXPECT_EQ(obstacle([](Plan& p) {
              p.candidates[0].scenario.hardware.gpu.memory = Bytes{100'000'000};
              p.candidates[0].scenario.serving.engine.num_gpu_blocks.reset();
            }).first,
            Obstacle::memory);
  // What only a simulation tells: four nodes queue a little too long.
  const auto [missed, how] = obstacle(nothing, {"", Latency::ttft, 0.99, 12ms});
  EXPECT_EQ(missed, Obstacle::slo);
  EXPECT_THAT(how, HasSubstr("with 4 nodes, the most that most_nodes allows"));
}

TEST(PlanSearch, TheNearestMissIsToldByHowMuch) {
  // Nothing suffices: then trials go on to their end, so that a small miss is known to be small.
  SmallPlan plan({{"", Latency::ttft, 0.99, 12ms}});
  plan.machine("m", one_by_one("{process: poisson, rate: 250 /s}"), 10'000);
  const Evaluation e = *found(*plan, 1).evaluations[0];
  ASSERT_FALSE(e.meets());
  EXPECT_GT(e.excess, 1);
  EXPECT_LT(e.excess, 5);
  EXPECT_THAT(e.why, HasSubstr("ms, not 12 ms with 4 nodes"));
}

TEST(PlanSearch, DrivesAreBusyWithWhatTheRunWrote) {
  const Scenario scenario = testing::parse(testing::kTinyModel + R"(
hardware:
  gpu: {use: h100-sxm, memory: 4 GB}
  host: dual-xeon-ddr5-2tib
  ssd: kioxia-cd9p-r
  drives_per_host: 2
tiers: [{name: nvme, medium: nvme, capacity: 1 TB, write: through}]
workload:
  max_requests: 2000
  clients:
    - name: c
      arrivals: {process: deterministic, rate: 50 /s}
      prompt: {distribution: constant, value: 512}
      output: {distribution: constant, value: 32}
)",
                                           {});
  SmallPlan plan({{"", Latency::ttft, 0.99, 10s}});
  plan.machine("m", scenario, 10'000);
  plan->spec.limits.spare_nodes = 1;
  const Evaluation e = *found(*plan, 1).evaluations[0];
  ASSERT_EQ(e.nodes, 1) << e.why;
  const Summary run = terrace::run(scenario);
  const TierSummary& nvme = run.tiers.at(1);
  // As long as requests came: 2,000 at 50 a second.
  const double written = static_cast<double>(nvme.counters.written.count()) / 40;
  ASSERT_GT(written, 0);
  EXPECT_NEAR(e.performance->use.drive_writes.count() / written, 1, 0.01);
  EXPECT_GT(e.performance->use.drive_busy, 0);
  EXPECT_NEAR(e.performance->prompt_tokens_per_second, 512 * 50, 512 * 50 * 0.01);
  const SsdSpec& ssd = *scenario.hardware.ssd;
  const double peak = static_cast<double>(nvme.peak_occupied.count());
  EXPECT_EQ(e.performance->drives.by_capacity,
            std::ceil(peak / (static_cast<double>(ssd.capacity.count()) * 0.9)));
  EXPECT_EQ(e.performance->drives.by_bandwidth, 1);
  // Half of it on each of two nodes, one of them spare.
  const Years one = life_of(ssd, {.writes = Bandwidth{written / 2 * plan->spec.demand.mean_load}});
  EXPECT_EQ(e.performance->drives.by_endurance, std::ceil(5 / one.count() - 0.01));
}

/// Two to four kinds of machine for a random scenario, with bounds that some of them meet.
SmallPlan any_plan(const testing::RandomScenario& random) {
  const auto draw = [](int low, int high) { return *rc::gen::inRange(low, high + 1); };
  const std::string yaml = random.yaml();
  const bool constant = yaml.find("backend: constant") != std::string::npos;
  const std::string_view slower =
      constant ? "serving.cost.per_step" : "hardware.gpu.efficiency.step_overhead";
  std::vector<Scenario> machines;
  for (int i = draw(2, 4); i > 0; --i) {
    machines.push_back(
        testing::parse(yaml, {fmt::format("{}={} us", slower, draw(5, 400)),
                              fmt::format("hardware.gpu.memory_bandwidth={} GB/s", draw(1, 1000)),
                              fmt::format("serving.engine.max_num_seqs={}", draw(1, 16))}));
  }
  const testing::Result usual = testing::run(machines.front());
  std::vector<SloBound> bounds;
  for (const Latency latency : kLatencies) {
    if (!bounds.empty() && draw(0, 1) == 0) continue;
    std::vector<double> values{1e-3};
    for (const testing::Record& r : usual.requests) {
      if (r.rejection != Rejection::none) continue;
      const double gaps = static_cast<double>(std::max<std::int64_t>(r.output.count() - 1, 1));
      values.push_back(latency == Latency::ttft  ? seconds(r.ttft())
                       : latency == Latency::e2e ? seconds(r.e2e())
                                                 : seconds(r.finished - r.first_token) / gaps);
    }
    std::sort(values.begin(), values.end());
    const double usual_value = values[values.size() * 3 / 4];
    const auto limit = duration_from_seconds(std::max(usual_value, 1e-6) * draw(1, 30) / 10);
    bounds.push_back({draw(0, 1) == 0 ? "" : "c0", latency,
                      draw(0, 3) == 0 ? std::nullopt : std::optional(draw(0, 1) == 0 ? 0.9 : 0.99),
                      limit});
  }
  SmallPlan plan(bounds);
  for (std::size_t i = 0; i < machines.size(); ++i) {
    plan.machine(fmt::format("m{}", i), machines[i], draw(1, 50) * 1000);
  }
  if (draw(0, 2) == 0) plan->spec.limits.budget = Dollars{draw(5, 200) * 1000.0};
  return plan;
}

TEST(PlanSearch, FindsWhatTryingEveryNumberFinds) {
  std::map<Obstacle, int> pruned;
  int met = 0;
  int saved = 0;
  int uneven = 0;  // where more nodes did hurt
  testing::check_scenarios(3, 250, [&](const testing::RandomScenario& random) {
    SmallPlan plan = any_plan(random);
    const double load = *rc::gen::element(0.3, 1.0, 3.0);
    const PlanResults results = found(*plan, load);
    for (std::size_t i = 0; i < plan->candidates.size(); ++i) {
      const Evaluation& e = *results.evaluations[i];
      const std::vector<bool> passes = every_number(*plan, plan->candidates[i], load);
      const auto least = std::find(passes.begin(), passes.end(), true);
      if (std::is_sorted(passes.begin(), passes.end())) {
        RC_ASSERT(e.meets() == (least != passes.end()));
        if (e.meets()) RC_ASSERT(*e.nodes == least - passes.begin() + 1);
      } else {
        ++uneven;
        if (!e.meets()) {
          RC_ASSERT(!passes.back());
        } else {
          const auto nodes = static_cast<std::size_t>(*e.nodes);
          RC_ASSERT(passes[nodes - 1] && (nodes == 1 || !passes[nodes - 2]));
        }
      }
      RC_ASSERT(e.meets() == (e.obstacle == Obstacle::none) && e.meets() == e.why.empty());
      if (e.prospect.hopeless()) ++pruned[e.obstacle];
      saved += static_cast<int>(passes.size()) - static_cast<int>(e.runs);
      met += e.meets() ? 1 : 0;
    }
  });
  // It was put to the test.
  EXPECT_GT(pruned[Obstacle::latency], 20);
  EXPECT_GT(pruned[Obstacle::budget], 20);
  EXPECT_GT(saved, 100);
  EXPECT_GT(met, 100);
  EXPECT_LT(uneven, 20);
}

TEST(PlanSearch, BoundsLoseNothing) {
  testing::check_scenarios(5, 250, [&](const testing::RandomScenario& random) {
    SmallPlan plan = any_plan(random);
    const double load = *rc::gen::element(0.3, 1.0, 3.0);
    PlanOptions all;
    all.prune = false;
    const PlanResults pruned = found(*plan, load);
    const PlanResults unpruned = found(*plan, load, all);
    RC_ASSERT(nodes_of(pruned) == nodes_of(unpruned));
    RC_ASSERT(choice_of(*plan, pruned) == choice_of(*plan, unpruned));
  });
}

TEST(PlanSearch, NumbersOfNodesAreBracketed) {
  // Whatever the least number is, and wherever it begins: found, in few steps, none asked twice.
  for (std::int64_t most = 1; most <= 40; ++most) {
    for (std::int64_t least = 1; least <= most; ++least) {
      for (std::int64_t likely = 1; likely <= most; ++likely) {
        for (std::int64_t wanted = least; wanted <= most + 1; ++wanted) {
          NodeBracket bracket(least, most, likely);
          std::set<std::int64_t> asked;
          while (const auto nodes = bracket.next()) {
            ASSERT_TRUE(asked.insert(*nodes).second);
            ASSERT_TRUE(least <= *nodes && *nodes <= most);
            *nodes >= wanted ? bracket.suffices(*nodes) : bracket.falls_short(*nodes);
          }
          ASSERT_EQ(asked.contains(wanted), wanted <= most);
          ASSERT_TRUE(wanted == least || asked.contains(wanted - 1));
          const auto distance = static_cast<double>(std::abs(wanted - std::max(likely, least)));
          ASSERT_LE(static_cast<double>(asked.size()), 2 * std::log2(distance + 1) + 3);
        }
      }
    }
  }
}

TEST(PlanSearch, AMachineThatIsOnlyDearerChangesNothing) {
  testing::check_scenarios(4, 40, [](const testing::RandomScenario& random) {
    SmallPlan plan = any_plan(random);
    const Choice before = choose(*plan, found(*plan, 1), 0);
    plan.machine("dearer", plan->candidates.front().scenario, 1e6);
    const Choice after = choose(*plan, found(*plan, 1), 0);
    if (before.offers.empty()) {
      RC_ASSERT(after.offers.empty() || plan->candidates.back().name != "dearer");
      return;
    }
    RC_ASSERT(after.offers.front().candidate == before.offers.front().candidate);
    RC_ASSERT(after.offers.front().nodes == before.offers.front().nodes);
  });
}

SmallPlan three_machines() {
  SmallPlan plan({kSoon});
  const std::string arrivals = "{process: poisson, rate: 150 /s}";
  plan.machine("slow", one_by_one(arrivals), 10'000);
  plan.machine("quick", one_by_one(arrivals, {"serving.cost.per_step=4 ms"}), 20'000);
  plan.machine("none", one_by_one(arrivals, {"serving.cost.per_step=50 ms"}), 1'000);
  return plan;
}

TEST(PlanSearch, JobsChangeNothing) {
  SmallPlan plan = three_machines();
  const std::vector<std::string> one = choice_of(*plan, found(*plan, 1));
  PlanOptions options;
  options.jobs = 4;
  EXPECT_EQ(choice_of(*plan, found(*plan, 1, options)), one);
  EXPECT_EQ(one.size(), 2U);
}

TEST(PlanSearch, GoesOnWhereItWasStopped) {
  SmallPlan plan = three_machines();
  for (Candidate& candidate : plan->candidates) {
    candidate.scenario.workload.synthetic.max_requests = 100'000;  // longer than it takes to stop
  }
  const std::vector<std::string> whole = choice_of(*plan, found(*plan, 1));
  RunStore store(":memory:");
  PlanOptions stopping;
  std::size_t enough = 0;  // known ones included: each search is let do one run more
  stopping.proceed = [&](const PlanProgress& progress) { return progress.runs <= enough; };
  PlanResults results = search(*plan, 1, store, stopping);
  for (; !results.complete() && enough < 1000; ++enough) {
    results = search(*plan, 1, store, stopping);
  }
  ASSERT_TRUE(results.complete());
  EXPECT_EQ(choice_of(*plan, results), whole);
}

TEST(PlanOutlook, HasTheNodesOfEveryYear) {
  SmallPlan plan = three_machines();
  plan->spec.demand.growth = 0.5;
  plan->spec.demand.horizon = Years{2.5};
  plan->spec.limits.spare_nodes = 1;
  for (MachineSpec& machine : plan->spec.machines) machine.most_nodes = 9;
  RunStore store(":memory:");
  const PlanResults results = search(*plan, plan->load_after(Years{2.5}), store, {});
  const Choice choice = choose(*plan, results, 100);
  const Outlooks outlooks = look_ahead(*plan, choice, store, {});
  ASSERT_FALSE(outlooks.offers.empty());
  EXPECT_EQ(outlooks.offers[0].offer, 0U);
  for (const Outlook& outlook : outlooks.offers) {
    ASSERT_EQ(outlook.by_year.size(), 3U) << "today, and after one and two years";
    const std::size_t candidate = choice.offers[outlook.offer].candidate;
    for (std::size_t year = 0; year < 3; ++year) {
      const double load = plan->load_after(Years{static_cast<double>(year)});
      EXPECT_EQ(outlook.by_year[year], *found(*plan, load).evaluations[candidate]->nodes + 1);
    }
    EXPECT_LE(outlook.by_year[2], choice.offers[outlook.offer].nodes);
    EXPECT_FALSE(outlook.quick.has_value()) << "constant times have no error bars";
  }
}

TEST(PlanOutlook, HasBothEndsOfTheErrorBars) {
  SmallPlan plan({kSoon});
  plan.machine("m", one_by_one("{process: poisson, rate: 4000 /s}", {"serving.cost={}"}), 10'000);
  RunStore store(":memory:");
  const Choice choice = choose(*plan, search(*plan, 1, store, {}), 0);
  ASSERT_EQ(choice.offers.size(), 1U);
  const Outlooks outlooks = look_ahead(*plan, choice, store, {});
  ASSERT_EQ(outlooks.offers.size(), 1U);
  EXPECT_TRUE(outlooks.offers[0].by_year.empty()) << "no growth";
  ASSERT_TRUE(outlooks.offers[0].quick && outlooks.offers[0].slow);
  EXPECT_LE(*outlooks.offers[0].quick->nodes, choice.offers[0].nodes);
  EXPECT_GE(*outlooks.offers[0].slow->nodes, choice.offers[0].nodes);
  EXPECT_EQ(outlooks.cheapest_if_slow, 0U);
}

}  // namespace
}  // namespace terrace
