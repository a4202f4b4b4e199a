#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/plan/plan.hpp"

namespace terrace {

/// A value of a machine's list, and where it stands.
template <class T>
struct Listed {
  T value{};
  config::Place place;
};

/// The drives of a node.
struct DriveChoice {
  std::int64_t count = 0;  // if it is zero, the rest says nothing
  Bytes capacity;          // of one
  config::Node tree;       // {use: NAME, capacity: ...}, for hardware.ssd
  std::string label;       // "4 x Kioxia CD9P-R 7.68 TB"
  std::optional<SourcedPrice<DollarsPerTB>> price;
};

/// A machine of the plan, its profiles read and its lists spelled out; none of them is empty.
struct Machine {
  std::string name;
  GpuSpec gpu;
  HostSpec host;
  SourcedPrice<Dollars> gpu_price;
  SourcedPrice<Dollars> chassis_price;
  SourcedPrice<DollarsPerTB> dram_price;
  std::vector<Listed<std::int64_t>> tensor_parallel;
  std::vector<Listed<Bytes>> dram;
  std::vector<Listed<DriveChoice>> drives;

  [[nodiscard]] std::size_t combinations() const {
    return tensor_parallel.size() * dram.size() * drives.size();
  }
};

/// What machines are read with.
struct MachineContext {
  const Scenario& scenario;  // that they are to run, for knobs without effect
  const std::string& file;   // the plan's, as sources of prices say
  const config::Catalogue& catalogue;
  config::EntryCache& cache;
  config::Diagnostics& diagnostics;
  std::vector<std::string>& warnings;
};

/// `node` is where `spec` stands in the plan. Mistakes go to the diagnostics.
Machine read_machine(const MachineSpec& spec, const config::Node& node,
                     const MachineContext& context);

/// The item of a list, or what stands for it where the list was left out.
const config::Node& item_of(const config::Node& map, std::string_view key, std::size_t index);

/// Where the value of a key stands, or else the mapping that lacks it.
config::Place place_of(const config::Node& map, std::string_view key);

}  // namespace terrace
