#include "sim/study/money/economics.hpp"

namespace terrace {

void describe(config::Fields& f, EconomicsSpec& economics) {
  f.field("gpu_life", economics.gpu_life, "over which GPUs are written off", config::kPositive);
  f.field("host_life", economics.host_life, "over which hosts are, with their DRAM and network",
          config::kPositive);
  f.field("drive_life", economics.drive_life, "over which drives are, unless worn out before",
          config::kPositive);
  f.field("electricity", economics.electricity, "price of electricity", config::kNotNegative);
  f.field("pue", economics.pue, "power that the building draws over what the machines draw",
          config::between(1, 100));
  f.field("upkeep", economics.upkeep,
          "support, spares and hands in a year, as a part of the purchase price",
          config::between(0, 100));
}

DollarsPerHour cost_of_owning(const EconomicsSpec& economics, Dollars price, Years life) {
  return price / life + (price * economics.upkeep) / Years{1};
}

DollarsPerHour cost_of_power(const EconomicsSpec& economics, Power mean) {
  return (mean * economics.pue) * economics.electricity;
}

}  // namespace terrace
