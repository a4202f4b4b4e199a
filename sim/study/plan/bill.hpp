#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/study/plan/plan.hpp"

namespace terrace {

/// What a node does on average over the day, as far as money depends on it.
struct NodeUse {
  double gpu_busy = 0;  // share of the time
  double drive_busy = 0;
  Bandwidth drive_writes;  // of one node, by the host
};

/// How a price range is meant: where between low and high each product's price lies.
class PriceDraw {
 public:
  /// What most pay.
  PriceDraw() = default;
  /// All at that end of their ranges.
  static PriceDraw lowest();
  static PriceDraw highest();
  /// The `number`-th of many: each product's price by itself, triangular between low and high with
  /// its peak at typical. The same number draws the same prices, whatever else can be bought.
  static PriceDraw random(std::uint64_t number);

  template <class Price>
  [[nodiscard]] Price of(const std::string& product, const PriceRange<Price>& range) const;

 private:
  enum class Kind { typical, lowest, highest, random } kind_ = Kind::typical;
  std::uint64_t number_ = 0;
};

/// What so many nodes cost.
struct Bill {
  struct Line {
    std::string what;  // GPUs, chassis, DRAM, drives, drives worn out, electricity
    Dollars purchase;  // today
    DollarsPerHour per_hour;
  };
  std::vector<Line> lines;
  Dollars purchase;
  DollarsPerHour per_hour;
  Power mean_power;  // of the machines
  Power most_power;
  std::int64_t rack_units = 0;
  std::optional<Years> drive_life;  // until the ratings are used up; none without drives
};

Bill bill(const Plan& plan, const Candidate& candidate, std::int64_t nodes, const NodeUse& use,
          const PriceDraw& prices = {});

/// Drives that a node needs, each for itself; the largest counts.
struct DriveNeed {
  std::int64_t by_capacity = 0;               // to hold the bytes that the tier held at its peak
  std::int64_t by_bandwidth = 0;              // to be busy no more than 70 % at the mean of the run
  std::int64_t by_endurance = 0;              // to live as long as EconomicsSpec::drive_life says
  [[nodiscard]] std::string binding() const;  // "capacity", "bandwidth", "endurance"
};

}  // namespace terrace
