#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/metrics/recorder.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

/// Two replicas, two tiers of which the second has larger blocks, two clients with different SLOs.
inline constexpr std::string_view kTwoTiers = R"(
name: two tiers
seed: 7
model: llama-3.1-8b
hardware: {gpu: h200-sxm, host: dual-xeon-ddr5-2tib, ssd: samsung-pm9a3}
serving: {replicas: 2, engine: {num_gpu_blocks: 300, max_num_seqs: 24}}
tiers:
  - {name: dram, medium: dram, capacity: 1 GiB}
  - {name: flash, medium: nvme, capacity: 8 GiB, block_size: 64}
workload:
  clients:
    - name: talk
      arrivals: {process: poisson, rate: 20 req/s}
      prompt: {distribution: uniform, min: 20, max: 400}
      output: {distribution: uniform, min: 1, max: 200}
      content: {kind: conversation, turns: {distribution: constant, value: 4}, think: {distribution: exponential, mean: 2 s}}
      slo: {ttft: 60 ms, tpot: 7 ms}
    - name: huge
      arrivals: {process: poisson, rate: 1 req/s}
      prompt: {distribution: uniform, min: 3000, max: 6000}
      output: {distribution: constant, value: 1}
  max_requests: 600
output: {timeseries_interval: 500 ms}
)";

inline Scenario scenario_of(std::string_view text) {
  const config::Catalogue catalogue{{TERRACE_SOURCE_DIR}};
  return parse_scenario("test.yaml", text, catalogue).scenario;
}

/// A run whose events are made by hand: a simulation that lends its view and is never run.
class Stage {
 public:
  explicit Stage(std::string_view text = kTwoTiers) : simulation_(scenario_of(text), {}) {}

  [[nodiscard]] RunView view() const { return simulation_.view(); }
  [[nodiscard]] Bytes block_bytes() const { return simulation_.dimensions().block_bytes; }

  StepPlan plan;
  StepOutcome outcome;

  void step(Observer& observer, std::size_t replica, Duration start, Duration end,
            Duration stall = {}) const {
    observer.on_step({ReplicaId{replica}, SimTime{start}, SimTime{end}, stall, plan, outcome});
  }

 private:
  Simulation simulation_;
};

/// A request that has just finished: prefill takes what `queue` leaves of `ttft`.
inline Request finished(std::uint64_t number, std::uint32_t client, Duration arrived,
                        Duration queue, Duration ttft, std::int64_t output) {
  Request r;
  r.number = number;
  r.client = client;
  r.prompt = Tokens{100};
  r.output = r.generated = Tokens{output};
  r.arrived = SimTime{arrived};
  r.first_token = r.arrived + ttft;
  r.ttft_parts[static_cast<std::size_t>(TtftPart::queue)] = queue;
  r.ttft_parts[static_cast<std::size_t>(TtftPart::prefill)] = ttft - queue;
  return r;
}

}  // namespace terrace
