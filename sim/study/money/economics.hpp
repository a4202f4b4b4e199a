#pragma once

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"

namespace terrace {

/// What it is assumed to cost to own machines, besides their prices.
struct EconomicsSpec {
  Years gpu_life{4};    // over which it is written off
  Years host_life{5};   // with DRAM and network
  Years drive_life{5};  // unless it is worn out before
  DollarsPerKWh electricity{0.10};
  double pue = 1.3;      // what the building draws over what the machines draw
  double upkeep = 0.05;  // of the purchase price, each year: support, spares, hands
};

void describe(config::Fields& f, EconomicsSpec& economics);

/// Writing off, upkeep included, per hour: price * (1 / life + upkeep).
DollarsPerHour cost_of_owning(const EconomicsSpec& economics, Dollars price, Years life);

/// What the meter shows per hour for machines that draw so much.
DollarsPerHour cost_of_power(const EconomicsSpec& economics, Power mean);

}  // namespace terrace
