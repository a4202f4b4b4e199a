#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sim/study/load/slo.hpp"
#include "sim/study/plan/plan.hpp"
#include "sim/study/plan/search.hpp"
#include "sim/study/remembered_runs.hpp"

namespace terrace {

// A trial as the search remembers it: numbers by name, from which all that is said of a candidate
// can be worked out again.

/// The name of the experiment: what it finds depends on the bounds.
std::string name_of_trials(std::span<const SloBound> bounds, bool whole);

/// Tries a scenario against the bounds; `whole`: to the end, also where it is lost before, so that
/// it is known by how much. `bounds` outlive it.
Experiment trials(std::span<const SloBound> bounds, bool whole);

bool passes(const Findings& found);

/// By what the bounds are missed, in words, and by what factor as far as that is known.
struct Shortfall {
  std::string words;
  double excess = 1;
};
Shortfall shortfall(const Findings& found, std::span<const SloBound> bounds);

/// What a trial of so many nodes that passed says of the candidate.
Performance performance(const Plan& plan, const Candidate& candidate, std::int64_t nodes,
                        const Findings& found);

}  // namespace terrace
