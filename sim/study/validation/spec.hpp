#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/fields.hpp"
#include "sim/config/node.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/validation/measured_run.hpp"

namespace terrace {

struct MeasuredSpec {
  config::Node path;
  MeasuredFormat format = MeasuredFormat::automatic;
};

/// A validation file as written; load_validation() makes a Validation of it.
struct ValidationSpec {
  std::optional<std::string> name;
  config::Node scenario;
  config::Node set;
  MeasuredSpec measured;
  std::optional<std::string> notes;
  std::optional<std::string> attribution;
  std::optional<std::string> estimated_on;
};

void describe(config::Fields& f, MeasuredSpec& measured);
void describe(config::Fields& f, ValidationSpec& validation);

/// A measured run, and the scenario that is to predict it.
struct Validation {
  std::string name;
  std::string notes;  // empty if left out, as those that follow
  std::string attribution;
  std::string estimated_on;
  std::string measured_path;
  MeasuredRun measured;
  Scenario scenario;  // its workload is a trace of that path, for the header only
};

struct ValidationOverrides {
  std::vector<std::string> sets;    // "serving.replicas=2", laid over those of the file
  std::optional<std::string> data;  // the folder of measured runs, instead of the file's own
};

/// Reads a validation file and all it names. Throws ConfigError with every mistake in it.
Validation load_validation(const std::string& path, const config::Catalogue& catalogue,
                           const ValidationOverrides& overrides = {});

}  // namespace terrace
