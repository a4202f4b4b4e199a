#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/study/plan/choice.hpp"
#include "sim/study/plan/search.hpp"

namespace terrace {

/// Offers that win in fewer price draws than that are not looked at more closely.
constexpr double kLeastWins = 0.05;

/// What becomes of an offer if the load or the step times are not those of the search.
struct Outlook {
  /// At one end of the step times' error bars.
  struct End {
    std::optional<std::int64_t> nodes;  // to be bought; none: no number does
    DollarsPerHour per_hour;            // at typical prices
  };
  std::size_t offer = 0;                               // of the choice
  std::vector<std::optional<std::int64_t>> by_year{};  // to be there today, after a year, ...
  std::optional<End> quick{};                          // steps as short as may be; none: the
  std::optional<End> slow{};                           // step times have no error bars
};

/// The cheapest offer and the others that win in at least kLeastWins of the price draws.
struct Outlooks {
  std::vector<Outlook> offers;
  bool complete = true;  // false: it was stopped
  /// The cheapest of them with such step times, into `offers`; none if there is none.
  std::optional<std::size_t> cheapest_if_quick;
  std::optional<std::size_t> cheapest_if_slow;
};

/// Searches these again: for the load of every whole year up to the horizon, and with step times at
/// both ends of what their calibration leaves open.
Outlooks look_ahead(const Plan& plan, const Choice& choice, RunStore& store,
                    const PlanOptions& options);

}  // namespace terrace
