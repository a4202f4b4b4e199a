#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/metrics/summary.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

// What else could be written to the drives: the same scenario under other rules.

/// Names that with_write_rule() knows: write rules, then admission rules.
std::vector<std::string_view> write_rule_names();

/// The scenario with another write rule, or another admission rule with its usual parameters, in
/// every tier on NVMe; what the name does not speak of stays. REQUIRES: it is known.
Scenario with_write_rule(Scenario scenario, std::string_view name);

/// Bytes that a host's drives, all hosts together, were written. 0 without a tier there.
Bytes written_to_drives(const Summary& summary);

/// Runs every scenario, `jobs` at a time; asks now and then whether to go on. Results in the order
/// of the scenarios; nothing if it was told to stop. Throws what the first of them throws.
std::optional<std::vector<Summary>> run_all(const std::vector<Scenario>& scenarios,
                                            std::size_t jobs, FunctionRef<bool()> proceed);

}  // namespace terrace
