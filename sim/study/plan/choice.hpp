#pragma once

#include <cstddef>
#include <vector>

#include "sim/study/plan/search.hpp"

namespace terrace {

/// What one million tokens cost; times the tokens of an hour at mean load, it is the bill.
///
/// What a tier costs, which is the part of DRAM that holds KV, and the drives, is borne by cached
/// tokens, those found in HBM, which cost nothing, included in the mean. All else is shared by
/// prompt and output tokens as prefill and decode share the GPUs' busy time; idle time goes with
/// it. Without cached tokens the tiers are all else, too.
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
  TokenCost tokens;                    // at typical prices
  double slo_used = 0;                 // the largest of measured / allowed over all bounds
  double joules_per_output_token = 0;  // of the machines, over the day
  bool on_front = false;               // no other one is better in cost, slo_used and energy
  double wins = 0;                     // share of price draws in which it costs least per hour
};

/// The offers, the cheapest per hour first; of equal ones, the one that comes first in the file.
struct Choice {
  std::vector<Offer> offers;
  std::size_t draws = 0;
};

/// Where several offers cost least in a draw, the one that comes first wins it. REQUIRES:
/// results.complete().
Choice choose(const Plan& plan, const PlanResults& results, std::size_t draws);

}  // namespace terrace
