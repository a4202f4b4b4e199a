#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/load/slo.hpp"
#include "sim/study/plan/spec.hpp"

namespace terrace {

/// A price, of what, and who says so: the text of the profile's sources, or the plan file. Prices
/// of one product rise and fall together.
template <class Price>
struct SourcedPrice {
  std::string product;  // "H200 SXM"
  PriceRange<Price> range;
  std::string source;
};

/// What the parts of a node cost. They stand beside the scenario, not in it: what was simulated
/// stays known when only prices change.
struct PartPrices {
  SourcedPrice<Dollars> gpu;      // of one
  SourcedPrice<Dollars> chassis;  // of a node
  SourcedPrice<DollarsPerTB> dram;
  std::optional<SourcedPrice<DollarsPerTB>> drive;  // none without drives
};

/// A kind of node with everything decided but how many of them.
struct Candidate {
  std::size_t machine = 0;  // of PlanSpec::machines
  std::int64_t tensor_parallel = 1;
  Bytes dram;               // installed in a node
  std::int64_t drives = 0;  // of a node: scenario.hardware.ssd
  Scenario scenario;        // on one node, at the load of the scenario file
  PartPrices prices;

  std::string name;  // "8 x H200 SXM, TP 2, 1 TiB, 4 x Kioxia CD9P-R 7.68 TB"

  /// The scenario on so many nodes, under `load` times what the file says.
  [[nodiscard]] Scenario on(std::int64_t nodes, double load) const;
};

/// A plan file, checked: everything that may have to be simulated.
struct Plan {
  std::string name;  // of the file
  std::string text;  // what stands in it, and what was laid over it, as comments
  PlanSpec spec;
  std::vector<Candidate> candidates;  // in the order of the file, the last list fastest
  std::vector<SloBound> bounds;
  std::vector<std::string> warnings;  // what is probably a slip, such as GB where GiB are sold

  /// Times what the scenario sends that is to be served after `years` of growth.
  [[nodiscard]] double load_after(Years years) const;
};

struct PlanOverrides {
  std::vector<std::string> sets;  // "machines[0].gpus=4", over the plan file
  std::size_t most_candidates = 10'000;
};

/// Reads a plan file, its scenario and its hardware. Throws config::ConfigError with every mistake,
/// each once, at its place in the plan file.
Plan load_plan(const std::string& path, const config::Catalogue& catalogue,
               const PlanOverrides& overrides = {});

/// The same from text; `path` stands for the file in messages, and files are looked for beside it.
Plan parse_plan(const std::string& path, const std::string& text,
                const config::Catalogue& catalogue, const PlanOverrides& overrides = {});

}  // namespace terrace
