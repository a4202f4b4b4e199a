#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"
#include "sim/config/node.hpp"
#include "sim/fabric/price.hpp"
#include "sim/study/money/economics.hpp"

namespace terrace {

// A plan file as written: what is to be served, what can be bought, within which limits.
// load_plan() makes candidates of it.

/// The load that the machines are bought for.
struct DemandSpec {
  double load = 1;               // times what the scenario sends: the peak of the day, today
  double growth = 0;             // of the load, each year: 0.3 is 30 %
  Years horizon{0};              // until when the machines bought now are to suffice
  double mean_load = 0.6;        // mean over peak, for energy, wear and the cost of tokens
  std::vector<std::string> slo;  // "chat.ttft_p99=2s"; empty: the clients' own, at their p99
};

/// Drives of one kind that a node may have.
struct DriveOptionSpec {
  std::string ssd;                                // of the catalogue
  std::vector<Bytes> capacities;                  // of one drive; empty: that of the profile
  std::vector<std::int64_t> counts;               // for each node; 0: none
  std::optional<PriceRange<DollarsPerTB>> price;  // instead of the profile's
};

/// A node that can be bought, in every combination of its lists.
struct MachineSpec {
  std::string name;  // empty: "8 x H200 SXM"
  std::string gpu;   // of the catalogue
  std::int64_t gpus = 8;
  std::string host;                                    // of the catalogue
  std::vector<std::int64_t> tensor_parallel;           // GPUs of a replica; empty: 1
  std::vector<Bytes> dram;                             // installed; empty: what the host has
  std::vector<DriveOptionSpec> drives;                 // alternatives; empty: none
  std::optional<PriceRange<Dollars>> gpu_price;        // instead of the profile's
  std::optional<PriceRange<DollarsPerTB>> dram_price;  // likewise
  std::optional<PriceRange<Dollars>> chassis;          // all but GPUs, DRAM and drives
  std::int64_t rack_units = 8;
  std::int64_t most_nodes = 64;
};

/// What no answer may exceed.
struct LimitsSpec {
  std::optional<Dollars> budget;  // for the purchase
  std::optional<Power> power;     // of all machines at their most, PUE left out
  std::optional<std::int64_t> rack_units;
  std::int64_t spare_nodes = 0;  // that may fail while the SLOs hold: 1 for N+1
};

/// How much of a memory holds KV.
struct SharesSpec {
  double dram = 0.8;    // the rest is the system's and the engine's
  double drives = 0.9;  // the rest stays free, for the cleaning of flash
};

struct PlanSpec {
  std::string scenario;  // model, engine, tiers and requests; a file beside it, or a shipped one
  config::Node set;      // over that scenario, for all candidates
  DemandSpec demand;
  std::vector<MachineSpec> machines;
  LimitsSpec limits;
  SharesSpec shares;
  EconomicsSpec economics;
};

void describe(config::Fields& f, DemandSpec& demand);
void describe(config::Fields& f, DriveOptionSpec& drives);
void describe(config::Fields& f, MachineSpec& machine);
void describe(config::Fields& f, LimitsSpec& limits);
void describe(config::Fields& f, SharesSpec& shares);
void describe(config::Fields& f, PlanSpec& plan);

}  // namespace terrace
