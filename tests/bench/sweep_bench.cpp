// What a sweep adds to its runs: efficiency is (sum of the runs' own times) / (wall time x cores).
// An N-core machine should give N times the speed of one, but for a tenth. It needs a machine that
// does nothing else; cpu_efficiency, the same in CPU time, does not. Never asserted.

#include <chrono>
#include <filesystem>
#include <thread>

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "sim/study/run.hpp"
#include "sim/study/sweep/sweep.hpp"

namespace terrace {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// CPU time of all threads.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// As many runs of quickstart as the argument says, from the reading of the file on.
void sweep_of_quickstart(benchmark::State& state) {
  const config::Catalogue catalogue({TERRACE_SOURCE_DIR});
  const auto folder = std::filesystem::temp_directory_path() / "terrace_sweep_bench";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string text =
      "scenario: quickstart\naxes: [{key: \"tiers[0].capacity\", values: 1GiB..20GiB +1GiB}]\n"
      "repeat: {seeds: " +
      std::to_string(state.range(0) / 20) + "}\n";
  SweepOptions options;
  options.jobs = std::max(std::thread::hardware_concurrency(), 1U);
  double wall = 0;
  double alone = 0;
  double sweep_cpu = 0;
  double alone_cpu = 0;
  for (auto _ : state) {
    const Clock::time_point start = Clock::now();
    const double cpu = cpu_seconds();
    const SweepPlan plan = parse_sweep("bench.yaml", text, catalogue);
    RunStore store(folder / "sweep.sqlite");
    benchmark::DoNotOptimize(run_sweep(plan, store, options).progress.done);
    wall = seconds_since(start);
    sweep_cpu = cpu_seconds() - cpu;
    // One run in ten, alone on the machine: the others take as long on average.
    const Clock::time_point again = Clock::now();
    for (std::size_t run = 0; run < plan.runs(); run += 10) {
      benchmark::DoNotOptimize(terrace::run(plan.scenario_of(run)).all.completed);
    }
    alone = 10 * seconds_since(again);
    alone_cpu = 10 * (cpu_seconds() - cpu - sweep_cpu);
  }
  std::filesystem::remove_all(folder);
  const double cores = static_cast<double>(options.jobs);
  state.counters["cores"] = cores;
  state.counters["efficiency"] = alone / (wall * cores);
  state.counters["cpu_efficiency"] = alone_cpu / sweep_cpu;
  state.counters["budget"] = 0.9;
}
BENCHMARK(sweep_of_quickstart)
    ->Arg(200)
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace terrace
