#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/study/plan/plan.hpp"

namespace terrace {

/// What a node does at the peak, as far as money depends on it. Over the day it does
/// DemandSpec::mean_load of that.
struct NodeUse {
  double gpu_busy = 0;  // share of the time
  double drive_busy = 0;
  Bandwidth drive_writes;  // of one node, by the host

  /// The same work done by more nodes: `bought` instead of `needed`.
  [[nodiscard]] NodeUse spread(std::int64_t needed, std::int64_t bought) const;
};

/// How a price range is meant: where between low and high each product's price lies.
class PriceDraw {
 public:
  /// What most pay.
  PriceDraw() = default;
  /// All at that end of their ranges.
  static PriceDraw lowest() { return {Kind::lowest, 0}; }
  static PriceDraw highest() { return {Kind::highest, 0}; }
  /// The `number`-th of many: each product's price by itself, triangular between low and high with
  /// its peak at typical. The same number draws the same prices, whatever else can be bought.
  static PriceDraw random(std::uint64_t number) { return {Kind::random, number}; }

  template <class Price>
  [[nodiscard]] Price of(const SourcedPrice<Price>& price) const {
    const PriceRange<Price>& range = price.range;
    return Price{pick(price.product, range.low.count(), range.typical.count(), range.high.count())};
  }

 private:
  enum class Kind : std::uint8_t { typical, lowest, highest, random };
  PriceDraw(Kind kind, std::uint64_t number) : kind_(kind), number_(number) {}

  [[nodiscard]] double pick(const std::string& product, double low, double typical,
                            double high) const;

  Kind kind_ = Kind::typical;
  std::uint64_t number_ = 0;
};

/// What so many nodes cost.
struct Bill {
  enum class Part : std::uint8_t { gpus, chassis, dram, drives, worn_drives, electricity };

  struct Line {
    Part part = Part::gpus;
    Dollars purchase;  // today
    DollarsPerHour per_hour;
    std::string source;  // of the price
  };
  std::vector<Line> lines;
  Dollars purchase;  // the sum of the lines
  DollarsPerHour per_hour;
  Power mean_power;  // of the machines
  Power most_power;
  std::int64_t rack_units = 0;
  std::optional<Years> drive_life;  // until the ratings are used up; none without drives
};

/// "GPUs", "drives worn out"
std::string_view name_of(Bill::Part part);

/// Parts are written off over the lives that the plan's economics give them, with upkeep. Drives
/// that wear out sooner are bought again each time that they do: what that costs more per hour than
/// drives that last is a line of its own.
Bill bill(const Plan& plan, const Candidate& candidate, std::int64_t nodes, const NodeUse& use,
          const PriceDraw& prices = {});

/// Drives that a node needs, each for itself; the largest counts.
struct DriveNeed {
  std::int64_t by_capacity = 0;   // to hold the bytes that the tier held at its peak
  std::int64_t by_bandwidth = 0;  // to be busy no more than 70 % at the mean of the run
  std::int64_t by_endurance = 0;  // to live as long as EconomicsSpec::drive_life says

  /// "capacity", "bandwidth", "endurance": the first of the largest; empty if none is needed.
  [[nodiscard]] std::string_view binding() const;
};

}  // namespace terrace
