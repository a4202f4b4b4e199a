#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sim/metrics/summary.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

struct RunOptions {
  /// Watch besides the recorder, in this order. They outlive the run.
  std::vector<Observer*> observers;
  /// Asked every few thousand events whether to go on; if not, the summary is of the part that ran.
  std::function<bool(const Progress&)> proceed;
};

/// The front door of the library: simulates a scenario and says what happened.
///
///   const terrace::config::Catalogue catalogue({"/usr/share/terrace"});
///   const auto loaded = terrace::load_scenario("quickstart.yaml", catalogue);
///   const terrace::Summary summary = terrace::run(loaded.scenario);
///
/// Throws Infeasible if the model does not fit, config::ConfigError for a trace that cannot be
/// read, InvariantViolation if the simulator contradicts itself. Calls share nothing: any number
/// of threads may run scenarios at once.
Summary run(const Scenario& scenario, const RunOptions& options = {});

/// The same in two steps, for observers that need to know the dimensions before they can be made.
class PreparedRun {
 public:
  explicit PreparedRun(const Scenario& scenario);
  /// With other requests than those of the scenario.
  PreparedRun(const Scenario& scenario, const WorkloadMaker& requests);
  ~PreparedRun();

  [[nodiscard]] const Dimensions& dimensions() const;

  /// REQUIRES: it is called once.
  Summary run(const RunOptions& options = {});

 private:
  // Seated when the run begins: the simulation wants its observers before they can be made.
  std::unique_ptr<Audience> audience_;
  Simulation simulation_;
};

}  // namespace terrace
