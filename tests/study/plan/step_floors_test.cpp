// That no schedule beats the floors: the properties of step times that they rest on, over the
// shipped models and GPUs, and runs of all kinds.

#include "sim/study/plan/step_floors.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/model/model.hpp"
#include "sim/scenario/cost_spec.hpp"
#include "tests/for_all.hpp"
#include "tests/scenario/random_scenario.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

std::int64_t draw(std::int64_t low, std::int64_t high) {
  return *rc::gen::resize(1000, rc::gen::inRange(low, high + 1));
}

/// Sequences and prompts, and how long a step with them takes.
struct Step {
  std::vector<std::int64_t> decodes;  // by context
  std::vector<PrefillChunk> prefills;
  std::int64_t completed = 0;

  [[nodiscard]] Duration time(const Scenario& s, const CostModel& cost) const {
    Batch batch{.decodes = static_cast<std::int64_t>(decodes.size()), .prefills = prefills};
    std::vector<Tokens> bounded(bounded_reaches(s.model).size());
    for (const std::int64_t context : decodes) {
      batch.decode_context += Tokens{context};
      batch.decode_longest = std::max(batch.decode_longest, Tokens{context});
      for (std::size_t i = 0; i < bounded.size(); ++i) {
        const BoundedReach reach = bounded_reaches(s.model)[i];
        bounded[i] += attended(reach.reach, reach.span, Tokens{context},
                               s.model.encoder ? s.model.encoder->tokens : Tokens{});
      }
    }
    batch.decode_bounded = bounded;
    batch.samples = batch.decodes + completed;
    return cost.time(batch);
  }
};

constexpr std::string_view kModels[] = {"llama-3.1-8b", "llama-3.1-70b",    "gemma-3-12b",
                                        "mixtral-8x7b", "deepseek-v2-lite", "gpt-oss-20b",
                                        "qwen3-30b-a3b"};
constexpr std::string_view kGpus[] = {
    "h100-sxm", "h200-sxm", "a100-80-sxm", "l40s", "rtx-pro-6000-server", "b200-sxm", "rtx-4090"};

Scenario any_machine() {
  const auto model = kModels[static_cast<std::size_t>(draw(0, std::ssize(kModels) - 1))];
  const auto gpu = kGpus[static_cast<std::size_t>(draw(0, std::ssize(kGpus) - 1))];
  const std::string cost = draw(0, 2) == 0 ? "roofline" : "auto";
  return testing::parse(fmt::format(R"(
model: {}
hardware: {{gpu: {}, host: dual-xeon-ddr5-2tib}}
serving: {{tensor_parallel: {}, cost: {{backend: {}}}, engine: {{async_scheduling: {}}}}}
workload:
  max_requests: 1
  clients:
    - name: c
      arrivals: {{process: poisson, rate: 1 /s}}
      prompt: {{distribution: constant, value: 1}}
      output: {{distribution: constant, value: 1}}
)",
                                    model, gpu, 1 << draw(0, 2), cost, draw(0, 1) == 1));
}

/// `longer` is that, but for the leeway.
bool no_shorter(Duration longer, Duration shorter) {
  return seconds(longer) * (1 + StepFloors::kLeeway) >= seconds(shorter);
}

Step any_step() {
  Step step;
  const std::int64_t decodes = draw(0, 256);
  const std::int64_t context = draw(2, 20'000);
  for (std::int64_t i = 0; i < decodes; ++i) step.decodes.push_back(draw(2, context));
  const std::int64_t prompts = draw(decodes == 0 ? 1 : 0, 8);
  for (std::int64_t i = 0; i < prompts; ++i) {
    step.prefills.push_back({Tokens{draw(1, 2000)}, Tokens{draw(0, 8000)}});
  }
  step.completed = draw(0, prompts);
  return step;
}

/// One sequence, prompt or token more.
Step with_more(Step step) {
  const std::int64_t kind = draw(0, 3);
  if (kind == 0 && !step.decodes.empty()) {
    step.decodes.front() += draw(1, 20'000);
  } else if (kind == 1 && !step.prefills.empty()) {
    step.prefills.front().fresh += Tokens{draw(1, 2000)};
  } else if (kind == 2) {
    step.decodes.push_back(draw(2, 20'000));
  } else {
    step.prefills.push_back({Tokens{draw(1, 2000)}, Tokens{draw(0, 8000)}});
  }
  return step;
}

constexpr int kCases = 300;

TEST(StepFloors, AStepIsNoShorterForMoreWork) {
  tests::for_all(
      [] {
        const Scenario machine = any_machine();
        const auto cost = make_cost_model(machine);
        const Step step = any_step();
        RC_ASSERT(no_shorter(with_more(step).time(machine, *cost), step.time(machine, *cost)));
      },
      kCases);
}

TEST(StepFloors, AMixedStepIsNoShorterThanItsPureEquals) {
  tests::for_all(
      [] {
        const Scenario machine = any_machine();
        const auto cost = make_cost_model(machine);
        const std::int64_t prompt = draw(1, 4000);
        const std::int64_t tokens = draw(1, 256);
        const std::int64_t decodes = draw(0, tokens);
        const auto step = [&](std::int64_t sequences) {
          Step made;
          made.decodes.assign(static_cast<std::size_t>(sequences), prompt + 1);
          made.completed = tokens - sequences;
          made.prefills.assign(static_cast<std::size_t>(made.completed),
                               {Tokens{1}, Tokens{prompt - 1}});
          return made.time(machine, *cost);
        };
        RC_ASSERT(no_shorter(step(decodes), std::min(step(0), step(tokens))));
      },
      kCases);
}

TEST(StepFloors, APromptTakesNoLessInMoreSteps) {
  tests::for_all(
      [] {
        const Scenario machine = any_machine();
        const auto cost = make_cost_model(machine);
        const std::int64_t most = std::int64_t{1} << draw(6, 13);
        const std::int64_t prompt = draw(1, 20'000);
        const auto in_chunks = [&](auto next) {
          Duration sum{};
          for (std::int64_t done = 0; done < prompt;) {
            const std::int64_t now = std::min(next(), prompt - done);
            const Step step{{}, {{Tokens{now}, Tokens{done}}}, done + now == prompt ? 1 : 0};
            sum += step.time(machine, *cost);
            done += now;
          }
          return sum;
        };
        const Duration few = in_chunks([&] { return most; });
        const Duration any =
            in_chunks([&] { return draw(std::max(most / 8, std::int64_t{1}), most); });
        RC_ASSERT(no_shorter(any, few));
      },
      kCases);
}

TEST(StepFloors, NoRunBeatsThem) {
  testing::check_scenarios(7, 150, [](const testing::RandomScenario& random) {
    const Scenario scenario = testing::parse(random.yaml());
    const testing::Result result = testing::run(scenario);
    Tokens least_prompt = Tokens::max();
    for (const testing::Record& r : result.requests)
      least_prompt = std::min(least_prompt, r.prompt);
    const StepFloors floors(scenario, least_prompt);
    double tokens = 0;
    SimTime first = SimTime::max();
    SimTime last{};
    for (const testing::Record& r : result.requests) {
      if (r.rejection != Rejection::none) continue;
      RC_ASSERT(r.ttft() >= floors.prompt(Tokens{1}));
      const Tokens fresh = r.prompt - r.hbm_hits - r.tier_hits;
      if (fresh > Tokens{}) RC_ASSERT(r.ttft() >= floors.prompt(fresh));
      RC_ASSERT(r.finished - r.first_token >= (r.output.count() - 1) * floors.token());
      tokens += static_cast<double>(r.output.count());
      first = std::min(first, r.arrived);
      last = std::max(last, r.finished);
    }
    const double most = floors.tokens_per_second() * static_cast<double>(scenario.serving.replicas);
    if (tokens > 0) RC_ASSERT(tokens <= most * seconds(last - first));
  });
}

}  // namespace
}  // namespace terrace
