#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/app/arguments.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/load/slo.hpp"

namespace terrace::app {

// What the verbs that make many runs of a scenario take.
constexpr Option kSloOption{"slo", "BOUNDS",
                            "what must hold, as in ttft_p99=2s,tpot_p99=50ms; the clients' own "
                            "SLOs at p99 if left out"};
constexpr Option kRequestsOption{"requests", "N",
                                 "requests of each run; as many as the scenario has if left out"};
constexpr Option kPrecisionOption{"precision", "PART", "how exactly, as in 0.02, the default"};
constexpr Option kJobsOption{"jobs", "N", "runs at a time; as many as there are cores if left out"};

/// Throws UsageError if it is no number between 0.001 and 0.5.
double precision_of(const Arguments& arguments);

// Throw UsageError for numbers that make no sense.
std::size_t jobs_of(const Arguments& arguments);
std::optional<std::int64_t> requests_of(const Arguments& arguments);

/// --slo, or what the scenario's clients have; maybe nothing. Throws UsageError if it is malformed,
/// contradicts itself, or is about a client that is not there.
std::vector<SloBound> slo_bounds(const Arguments& arguments, const Scenario& scenario);

/// Throws UsageError if so many requests cannot tell the quantiles, or if the trace is a pipe,
/// which can be read only once.
void check_long_enough(const Scenario& searchable, const std::vector<SloBound>& bounds);
void check_repeatable(const Scenario& scenario);
/// Of closed loops, all clients together.
std::int64_t users_in(const Scenario& scenario);
/// Throws UsageError if closed loops have hardly more requests than users.
void check_users_return(const Scenario& scenario);

/// "ttft_p99 <= 2 s and tpot_p99 <= 50 ms"
std::string text_of(const std::vector<SloBound>& bounds);

}  // namespace terrace::app
