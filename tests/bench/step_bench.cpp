// What it takes to price one step: 200 ns if it only decodes, 1 us with four chunks. TERRACE_DATA
// names a folder with silicon/h200_sxm for the rows of measured tables.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "sim/scenario/cost_spec.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {
namespace {

std::unique_ptr<CostModel> steps(const std::string& cost) {
  return make_cost_model(parse_scenario("bench",
                                        fmt::format(R"(
model: llama-3.1-8b
hardware: {{gpu: h200-sxm, host: dual-xeon-ddr5-2tib}}
serving: {{cost: {}}}
workload:
  max_requests: 1
  clients:
    - name: chat
      arrivals: {{process: poisson, rate: 20 /s}}
      prompt: {{distribution: constant, value: 512}}
      output: {{distribution: constant, value: 512}}
)",
                                                    cost),
                                        config::Catalogue({TERRACE_SOURCE_DIR}))
                             .scenario);
}

/// Batches as a run has them: more decodes and longer contexts from one to the next.
void price(benchmark::State& state, const std::string& backend, bool chunks) {
  const char* data = std::getenv("TERRACE_DATA");
  const std::string tables = std::string(data != nullptr ? data : "") + "/silicon/h200_sxm";
  const bool measured = backend == "table";
  if (measured && !std::filesystem::exists(tables)) {
    state.SkipWithError("set TERRACE_DATA to a folder with silicon/h200_sxm");
    return;
  }
  const auto cost =
      steps(fmt::format("{{backend: {}{}}}", backend, measured ? ", tables: " + tables : ""));
  std::array<PrefillChunk, 4> prompts;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    prompts[i] = {Tokens{100 + 70 * static_cast<std::int64_t>(i)},
                  Tokens{1000 * static_cast<std::int64_t>(i)}};
  }
  const auto batch = [&](std::int64_t i) {
    Batch one{.decodes = 1 + i % 256,
              .decode_context = Tokens{(1 + i % 256) * (500 + i % 4096)},
              .decode_longest = Tokens{600 + i % 4096},
              .samples = 1 + i % 256};
    if (chunks) one.prefills = prompts;
    return one;
  };
  for (std::int64_t i = 0; i < 4096; ++i) benchmark::DoNotOptimize(cost->time(batch(i)));
  std::int64_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(cost->time(batch(i++)));
  const double budget = chunks ? 1e-6 : 200e-9;
  state.counters["budget_s"] = budget;
  state.counters["used"] = benchmark::Counter(
      budget, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(price, fitted_decode, "fitted", false);
BENCHMARK_CAPTURE(price, fitted_mixed, "fitted", true);
BENCHMARK_CAPTURE(price, table_decode, "table", false);
BENCHMARK_CAPTURE(price, table_mixed, "table", true);
BENCHMARK_CAPTURE(price, roofline_decode, "roofline", false);
BENCHMARK_CAPTURE(price, roofline_mixed, "roofline", true);

}  // namespace
}  // namespace terrace
