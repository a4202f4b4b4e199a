#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "sim/study/plan/search.hpp"

namespace terrace {

/// What one million tokens cost: the machines' cost per hour, shared out by GPU time.
struct TokenCost {
  Dollars prompt;  // computed
  Dollars cached;  // found in DRAM, on drives or in HBM
  Dollars output;
};

/// A candidate that meets everything, and what it comes to.
struct Offer {
  std::size_t candidate = 0;
  std::int64_t nodes = 0;  // to be bought, spare ones included
  Bill typical;
  Bill low;
  Bill high;
  TokenCost tokens;     // at typical prices
  double slo_used = 0;  // the largest of measured / allowed over all bounds
  double joules_per_output_token = 0;
  bool on_front = false;  // no other one is better in cost, slo_used and energy
  double wins = 0;        // share of price draws in which it costs least per hour
};

/// The offers, the cheapest per hour first; of equal ones, the one that comes first in the file.
struct Choice {
  std::vector<Offer> offers;
  std::size_t draws = 0;
  bool all_priced = true;
};

/// REQUIRES: results.complete().
Choice choose(const Plan& plan, const PlanResults& results, std::size_t draws);

}  // namespace terrace
