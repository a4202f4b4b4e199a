#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/metrics/recorder.hpp"
#include "sim/report/header.hpp"
#include "sim/report/run_directory.hpp"
#include "tests/metrics/stage.hpp"

namespace terrace {

struct Reported {
  Summary summary;
  ReportHeader header;
};

/// Runs a scenario and, if asked to, writes its directory.
inline Reported report_on(std::string_view text, const std::string& directory = {}) {
  const Scenario scenario = scenario_of(text);
  const Dimensions dimensions = Simulation(scenario, {}).dimensions();
  Recorder recorder(dimensions.block_bytes);
  std::vector<Observer*> observers = {&recorder};
  std::optional<RunDirectory> files;
  if (!directory.empty()) {
    files.emplace(directory, dimensions.block_bytes);
    for (Observer* observer : files->observers()) observers.push_back(observer);
  }
  Simulation simulation(scenario, observers);
  const bool complete = simulation.run();
  Reported reported{recorder.summary(complete), make_header(scenario, dimensions)};
  if (files) {
    files->finish(
        reported.summary, reported.header,
        {"1.2.3", scenario.seed, {"terrace", "run", "test.yaml"}, resolved_yaml(scenario)});
  }
  return reported;
}

/// A summary in which nothing happened at all.
inline Summary nothing() {
  Summary s;
  s.verdict.state = Verdict::State::idle;
  s.verdict.sentence = "IDLE: no requests came";
  return s;
}

}  // namespace terrace
