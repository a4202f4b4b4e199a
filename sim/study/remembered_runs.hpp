#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/study/run_store.hpp"

namespace terrace {

/// Simulates a scenario and says what it found; nothing if it was told to stop. Throws like run().
/// The same scenario always gives the same findings.
using Experiment = std::function<std::optional<Findings>(const Scenario&, const std::stop_token&)>;

/// Experiments that are done only once: what the store knows is not done again. What tells one from
/// all others is the version of the program, the name of the experiment, every value of the
/// scenario, and what is in its trace and in the files of measured times that it names. Any number
/// of threads may ask.
class RememberedRuns {
 public:
  RememberedRuns(RunStore& store, std::string version, std::string name, Experiment experiment)
      : store_(store),
        version_(std::move(version)),
        name_(std::move(name)),
        experiment_(std::move(experiment)) {}

  /// What is known of it, but for failures that may have gone away by themselves.
  [[nodiscard]] std::optional<RunRecord> known(const Scenario& scenario);

  /// What is known of it, or is found now: a failure is a result. Nothing if it was stopped.
  std::optional<RunRecord> run(const Scenario& scenario, const std::string& label,
                               const std::stop_token& stop);

  /// Writes what was found since the last call to the store, all at once.
  void keep();

 private:
  [[nodiscard]] std::optional<RunRecord> find(const std::string& key);
  [[nodiscard]] std::string key_of(const Scenario& scenario, const std::string& resolved);

  /// As it was when it was first asked for.
  [[nodiscard]] std::string identity_of(const std::string& path);

  RunStore& store_;
  const std::string version_;
  const std::string name_;
  const Experiment experiment_;
  std::mutex mutex_;                                        // of all below
  std::vector<std::pair<std::string, std::string>> files_;  // path, identity
  std::vector<RunRecord> fresh_;
};

}  // namespace terrace
