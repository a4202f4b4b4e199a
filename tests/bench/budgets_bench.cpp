// The speed budgets, measured: CPU time of this machine, of whole programs the time from start to
// end; medians of repetitions, never asserted.
// TERRACE_DATA names a folder with traces/mooncake_conversation.jsonl for the row that replays it.

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include "sim/report/run_directory.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/load/capacity.hpp"
#include "sim/study/run.hpp"
#include "tests/app/program.hpp"

namespace terrace {
namespace {

const config::Catalogue& catalogue() {
  static const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});
  return kCatalogue;
}

/// Adds what a reader compares: the budget, and what part of it was used.
void against(benchmark::State& state, double budget_seconds) {
  state.counters["budget_s"] = budget_seconds;
  state.counters["used"] = benchmark::Counter(
      budget_seconds, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

Scenario chat(std::int64_t requests) {
  return parse_scenario("bench",
                        fmt::format(R"(
model: llama-3.1-8b
hardware: {{gpu: h100-sxm, host: dual-xeon-ddr5-2tib}}
workload:
  max_requests: {}
  clients:
    - name: chat
      arrivals: {{process: poisson, rate: 20 /s}}
      prompt: {{distribution: constant, value: 512}}
      output: {{distribution: constant, value: 512}}
)",
                                    requests),
                        catalogue())
      .scenario;
}

void requests_512_512(benchmark::State& state) {
  const Scenario scenario = chat(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(run(scenario).all.completed);
  state.counters["req_per_cpu_s"] = benchmark::Counter(
      static_cast<double>(state.range(0)) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
  against(state, 0.04 * static_cast<double>(state.range(0)) / 10'000);
}
BENCHMARK(requests_512_512)->Arg(10'000)->Unit(benchmark::kMillisecond);

/// `terrace capacity` over five seeds on two cores: some thirty runs of it.
void capacity_512_512(benchmark::State& state) {
  const Scenario scenario = chat(10'000);
  const std::vector<SloBound> bounds = *parse_slo("ttft_p99=2s,tpot_p99=50ms").value;
  CapacityOptions options;
  options.jobs = 2;
  std::size_t runs = 0;
  for (auto _ : state) runs = find_capacity(scenario, bounds, options)->runs;
  state.counters["runs"] = static_cast<double>(runs);
  against(state, 2);
}
BENCHMARK(capacity_512_512)->UseRealTime()->Unit(benchmark::kMillisecond);

void requests_512_512_to_disk(benchmark::State& state) {
  const Scenario scenario = chat(state.range(0));
  const auto folder = std::filesystem::temp_directory_path() / "terrace_bench";
  for (auto _ : state) {
    PreparedRun prepared(scenario);
    RunDirectory directory(folder.string(), prepared.dimensions().block_bytes);
    benchmark::DoNotOptimize(prepared.run({directory.observers(), {}}).all.completed);
  }
  std::filesystem::remove_all(folder);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_MB"] = static_cast<double>(usage.ru_maxrss) / 1000;
  state.counters["budget_MB"] = 200;
  against(state, 0.04 * static_cast<double>(state.range(0)) / 10'000);
}
BENCHMARK(requests_512_512_to_disk)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

/// 16-token blocks in HBM; below it of as many tokens as the argument says.
void mooncake_three_tiers(benchmark::State& state) {
  const char* data = std::getenv("TERRACE_DATA");
  const std::string trace =
      std::string(data != nullptr ? data : "") + "/traces/mooncake_conversation.jsonl";
  if (!std::filesystem::exists(trace)) {
    state.SkipWithError("set TERRACE_DATA to a folder with traces/mooncake_conversation.jsonl");
    return;
  }
  Overrides overrides;
  overrides.trace = trace;
  const Scenario scenario = parse_scenario("bench",
                                           fmt::format(R"(
model: llama-3.1-8b
hardware: {{gpu: h200-sxm, host: dual-xeon-ddr5-2tib, ssd: solidigm-d7-ps1010}}
serving: {{replicas: 4, router: prefix_aware}}
tiers:
  - {{name: dram, medium: dram, capacity: 512 GiB, block_size: {0}}}
  - {{name: nvme, medium: nvme, capacity: 4 TiB, block_size: {0}}}
workload: {{trace: {{path: x}}}}
)",
                                                       state.range(0)),
                                           catalogue(), overrides)
                                .scenario;
  for (auto _ : state) benchmark::DoNotOptimize(run(scenario).all.completed);
  against(state, 0.5);
}
BENCHMARK(mooncake_three_tiers)->Arg(16)->Arg(256)->Unit(benchmark::kMillisecond);

/// The program from its start to its end.
void program(benchmark::State& state, const std::vector<std::string>& words, double budget) {
  const testing::Workplace place;
  for (auto _ : state) {
    if (place.finish(place.start(TERRACE_PROGRAM, words)).status == 0) continue;
    state.SkipWithError("terrace fails");
    return;
  }
  against(state, budget);
}

void footprint(benchmark::State& state) {  // 216 combinations
  program(state,
          {"footprint", "--models", "llama-3.1-8b,deepseek-v3", "--context", "4k..1M x2", "--batch",
           "1,64", "--tp", "1,8", "--kv-dtype", "bf16,fp8,int4"},
          0.02);
}
BENCHMARK(footprint)->Unit(benchmark::kMillisecond)->UseRealTime();

void breakeven(benchmark::State& state) {  // eight lengths, three tiers
  program(state,
          {"breakeven", "--model", "deepseek-v3", "--hw", "h200-sxm", "--tp", "8", "--ssd",
           "solidigm-d7-ps1010", "--drives", "4", "--network", "rdma-400g-parallel-store",
           "--sharing", "8"},
          0.02);
}
BENCHMARK(breakeven)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace terrace

int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string repetitions = "--benchmark_repetitions=5";
  std::string aggregates = "--benchmark_report_aggregates_only=true";
  arguments.insert(arguments.begin() + 1, {repetitions.data(), aggregates.data()});
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
