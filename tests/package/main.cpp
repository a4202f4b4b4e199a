// A scenario built in code, run, and read: what a user of the library does.

#include <cstdio>

#include <sim/scenario/scenario.hpp>
#include <sim/study/run.hpp>

int main(int, char** argv) {
  using namespace terrace;

  // Start from text, a file (load_scenario), or an empty Scenario; every field is plain data.
  Scenario scenario = parse_scenario("example", R"(
model: llama-3.1-8b
hardware: {gpu: l40s, host: dual-epyc-ddr4-1tib}
workload:
  max_requests: 200
  clients:
    - name: chat
      arrivals: {process: poisson, rate: 2 /s}
      prompt: {distribution: constant, value: 1000}
      output: {distribution: constant, value: 100}
      content: {kind: shared_prefix, prompts: 4, length: {distribution: constant, value: 2000}}
)",
                                     config::Catalogue({argv[1]}))
                          .scenario;

  for (const auto capacity : {Bytes{0}, Bytes{std::int64_t{64} << 30U}}) {
    scenario.tiers.clear();
    TierSpec dram;
    dram.name = "dram";
    dram.capacity = {capacity};
    scenario.tiers.push_back(dram);
    scenario.serving.engine.num_gpu_blocks = 800;

    const Summary summary = run(scenario);
    std::printf("%lld requests, mean TTFT %.0f ms, %s\n",
                static_cast<long long>(summary.all.completed),
                summary.all.latencies.ttft.mean() * 1e-9, summary.verdict.sentence.c_str());
    if (summary.all.completed != 200) return 1;
  }
}
