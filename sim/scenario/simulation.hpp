#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/units.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

/// Makes the requests of a run, from the first; asked once more if some policy sees the future.
using WorkloadMaker = std::function<std::unique_ptr<Workload>()>;

/// How far a run has come.
struct Progress {
  SimTime now{};
  std::uint64_t events = 0;
  std::int64_t came = 0;  // requests
  std::int64_t left = 0;
};

/// Facts that follow from a scenario before anything has happened.
struct Dimensions {
  std::int64_t hbm_blocks = 0;  // per replica; one is never used, as in vLLM
  Bytes block_bytes;            // of one engine block on all GPUs of a replica
  Bytes kv_bytes_per_token;     // whole model, stored once
  Bytes weights_per_gpu;
  Tokens max_model_len;
};

/// Throws Infeasible if the model does not fit.
Dimensions dimensions_of(const Scenario& scenario);

/// One run: owns the machines, the caches, the engines and the requests of a scenario. Two
/// simulations share nothing.
class Simulation {
 public:
  /// Throws Infeasible if the model does not fit, config::ConfigError if the trace cannot be read.
  /// The observers outlive the simulation.
  Simulation(const Scenario& scenario, std::vector<Observer*> observers);

  /// The same with other requests than those of the scenario.
  Simulation(const Scenario& scenario, std::vector<Observer*> observers,
             const WorkloadMaker& requests);
  ~Simulation();

  /// Runs until everything has happened, or `proceed`, asked every few thousand events, says no.
  /// Returns whether everything has. Throws InvariantViolation if the books do not balance.
  bool run(FunctionRef<bool(const Progress&)> proceed);
  bool run() {
    return run([](const Progress&) { return true; });
  }

  [[nodiscard]] const Dimensions& dimensions() const;
  [[nodiscard]] RunView view() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace terrace
