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

/// Sequences and prompts, and the batch that is made of them.
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

/// How much shorter `longer` is than what it should not be shorter than.
double shortfall(Duration longer, Duration shorter) {
  return seconds(shorter) / seconds(longer) - 1;
}

double g_worst[4];
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

TEST(StepFloors, AStepIsNoShorterForMoreWork) {
  tests::for_all(
      [] {
        const Scenario machine = any_machine();
        const auto cost = make_cost_model(machine);
        const Step step = any_step();
        Step more = step;
        switch (draw(0, 3)) {
          case 0:
            more.decodes.push_back(draw(2, 20'000));
            break;
          case 1:
            more.prefills.push_back({Tokens{draw(1, 2000)}, Tokens{draw(0, 8000)}});
            break;
          case 2:
            if (more.decodes.empty()) return;
            more.decodes.front() += draw(1, 20'000);
            break;
          default:
            if (more.prefills.empty()) return;
            more.prefills.front().fresh += Tokens{draw(1, 2000)};
        }
        const double s = shortfall(more.time(machine, *cost), step.time(machine, *cost));
        if (s > g_worst[0]) {
          g_worst[0] = s;
          fmt::print("1: {} {} {} tp{} d{} p{} -> d{} p{} \n", s, machine.model.name,
                     machine.hardware.gpu.name, machine.serving.tensor_parallel,
                     step.decodes.size(), step.prefills.size(), more.decodes.size(),
                     more.prefills.size());
        }
      },
      3000);
}

TEST(StepFloors, AMixedStepIsNoShorterThanItsPureEquals) {
  tests::for_all(
      [] {
        const Scenario machine = any_machine();
        const auto cost = make_cost_model(machine);
        const std::int64_t n = draw(1, 256);
        const std::int64_t prompt = draw(1, 4000);
        Step decoding, completing, mixed;
        const std::int64_t d = draw(0, n);
        for (std::int64_t i = 0; i < n; ++i) {
          decoding.decodes.push_back(prompt + 1);
          completing.prefills.push_back({Tokens{1}, Tokens{prompt - 1}});
          if (i < d)
            mixed.decodes.push_back(prompt + 1);
          else
            mixed.prefills.push_back({Tokens{1}, Tokens{prompt - 1}});
        }
        completing.completed = n;
        mixed.completed = n - d;
        const double s =
            shortfall(mixed.time(machine, *cost),
                      std::min(decoding.time(machine, *cost), completing.time(machine, *cost)));
        if (s > g_worst[1]) {
          g_worst[1] = s;
          fmt::print("2: {} {} {} tp{} n{} d{} prompt {}\n", s, machine.model.name,
                     machine.hardware.gpu.name, machine.serving.tensor_parallel, n, d, prompt);
        }
      },
      3000);
}

TEST(StepFloors, APromptTakesNoLessInMoreSteps) {
  tests::for_all(
      [] {
        const Scenario machine = any_machine();
        const auto cost = make_cost_model(machine);
        const std::int64_t most = 1 << draw(6, 13);
        const std::int64_t prompt = draw(1, 20000);
        Duration few{}, many{};
        for (std::int64_t done = 0; done < prompt;) {
          const std::int64_t now = std::min(most, prompt - done);
          few += Step{{}, {{Tokens{now}, Tokens{done}}}, done + now == prompt}.time(machine, *cost);
          done += now;
        }
        for (std::int64_t done = 0; done < prompt;) {
          const std::int64_t now =
              std::min(draw(std::max<std::int64_t>(most / 8, 1), most), prompt - done);
          many +=
              Step{{}, {{Tokens{now}, Tokens{done}}}, done + now == prompt}.time(machine, *cost);
          done += now;
        }
        const double s = shortfall(many, few);
        if (s > g_worst[2]) {
          g_worst[2] = s;
          fmt::print("3: {} {} {} tp{} prompt {} most {}\n", s, machine.model.name,
                     machine.hardware.gpu.name, machine.serving.tensor_parallel, prompt, most);
        }
      },
      3000);
}

}  // namespace
}  // namespace terrace
