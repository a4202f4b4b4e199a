#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/metrics/metric.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

/// A key that is varied: a column of every table.
struct SweepColumn {
  std::string path;     // "tiers[0].capacity"
  std::string name;     // the shortest end of it that no other column has: "capacity"
  std::string heading;  // of a CSV: with the unit, if all values have one
  std::size_t axis = 0;
  std::vector<std::string> labels;  // of each value, as people know it
  std::vector<std::string> cells;   // the same for a CSV: a plain number in the heading's unit
};

/// One combination of values; it runs once for every seed.
struct Arm {
  std::vector<std::size_t> choice;  // which value of each axis
  Scenario scenario;                // with the first seed
};

/// Everything a sweep will do, checked: runs are arms x seeds, the seed fastest.
struct SweepPlan {
  std::string name;  // of the sweep file
  std::string text;  // what stands in it
  std::vector<SweepColumn> columns;
  std::vector<std::size_t> axis_sizes;
  std::vector<Arm> arms;
  std::vector<std::int64_t> seeds;

  std::vector<Metric> known;          // all that the runs have
  std::vector<std::size_t> reported;  // of those: the ones to report
  std::optional<std::size_t> rank_by;
  std::vector<std::size_t> pareto;

  [[nodiscard]] std::size_t runs() const { return arms.size() * seeds.size(); }
  [[nodiscard]] Scenario scenario_of(std::size_t run) const;
  [[nodiscard]] const std::string& label(const Arm& arm, std::size_t column) const {
    return columns[column].labels[arm.choice[columns[column].axis]];
  }
  /// "capacity=1 GiB, eviction=lru"
  [[nodiscard]] std::string name_of(const Arm& arm) const;
};

/// What the command line has to say about a sweep.
struct SweepOverrides {
  std::vector<std::string> sets;  // "key=value" over every run
  std::vector<std::string>
      filters;                     // "key=label": only these arms; several of one key: any of them
  std::size_t most_runs = 10'000;  // more are refused
};

/// What was asked for is not in the sweep; what() says what is.
class NoSuchArm : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// Reads a sweep file and every scenario it leads to. Throws config::ConfigError with every
/// mistake, each once, at its place in the sweep file, and NoSuchArm for filters that nothing
/// passes.
SweepPlan load_sweep(const std::string& path, const config::Catalogue& catalogue,
                     const SweepOverrides& overrides = {});

/// The same from text; `path` stands for the file in messages, and files are looked for beside it.
SweepPlan parse_sweep(const std::string& path, const std::string& text,
                      const config::Catalogue& catalogue, const SweepOverrides& overrides = {});

/// The arm that "key=label,key=label" means; keys may be names of columns. Throws NoSuchArm if
/// there is none, or more than one.
std::size_t find_arm(const SweepPlan& plan, const std::string& text);

}  // namespace terrace
