// What it takes to choose among 300 kinds of node for the budget's workload of 10,000 requests:
// 120 CPU seconds. What takes long are kinds of node of which many are needed. Never asserted.

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include "sim/report/output_file.hpp"
#include "sim/study/plan/choice.hpp"
#include "sim/study/plan/search.hpp"

namespace terrace {
namespace {

/// CPU time of all threads.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

constexpr const char* kScenario = R"(model: llama-3.1-8b
hardware: {gpu: h100-sxm, host: dual-xeon-ddr5-2tib, ssd: kioxia-cd9p-r}
tiers:
  - {name: dram, medium: dram, capacity: 256 GiB, write: through}
  - {name: nvme, medium: nvme, capacity: 4 TB, write: back}
workload:
  max_requests: 10000
  clients:
    - name: chat
      slo: {ttft: 2 s, tpot: 50 ms}
      arrivals: {process: poisson, rate: 20 /s}
      prompt: {distribution: constant, value: 512}
      output: {distribution: constant, value: 512}
)";

std::string plan_text() {
  std::string text = "scenario: plan_bench_scenario.yaml\nmachines:\n";
  for (const char* gpu :
       {"h100-sxm", "h200-sxm", "a100-80-sxm", "b200-sxm", "rtx-pro-6000-server"}) {
    text += fmt::format(
        "  - gpu: {}\n    host: dual-xeon-ddr5-2tib\n    gpus: 8\n    tensor_parallel: [1, 2]\n"
        "    dram: [256 GiB, 512 GiB, 1 TiB, 1536 GiB, 2 TiB]\n    drives:\n"
        "      - {{ssd: kioxia-cd9p-r, capacities: [3.84 TB, 7.68 TB], counts: [0, 2, 4]}}\n"
        "      - {{ssd: kioxia-cd9p-r, capacities: [15.36 TB], counts: [4]}}\n"
        "    gpu_price: {{low: 20000 USD, typical: 30000 USD, high: 40000 USD, as_of: 2026-06}}\n"
        "    chassis: {{low: 60000 USD, typical: 80000 USD, high: 110000 USD, as_of: 2026-06}}\n",
        gpu);
  }
  return text;
}

void plan_of_300_candidates(benchmark::State& state) {
  const config::Catalogue catalogue({TERRACE_SOURCE_DIR});
  const auto folder = std::filesystem::temp_directory_path();
  write_file(folder / "plan_bench_scenario.yaml", kScenario);
  PlanOptions options;
  options.jobs = std::max(std::thread::hardware_concurrency(), 1U);
  double cpu = 0;
  Plan plan;
  PlanResults results;
  Choice choice;
  for (auto _ : state) {
    const double start = cpu_seconds();
    plan = parse_plan(folder / "bench.yaml", plan_text(), catalogue);
    RunStore store(":memory:");
    results = search(plan, plan.load_after(Years{0}), store, options);
    choice = choose(plan, results, 1000);
    cpu = cpu_seconds() - start;
  }
  std::filesystem::remove(folder / "plan_bench_scenario.yaml");
  state.counters["candidates"] = static_cast<double>(plan.candidates.size());
  state.counters["runs"] = static_cast<double>(results.progress.runs);
  state.counters["offers"] = static_cast<double>(choice.offers.size());
  state.counters["cpu_s"] = cpu;
  state.counters["budget_s"] = 120;
}
BENCHMARK(plan_of_300_candidates)
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace terrace
