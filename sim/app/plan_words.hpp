#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/study/plan/bounds.hpp"
#include "sim/study/plan/plan.hpp"

namespace terrace::app {

// Words of plans that several of its reports use.

/// "latency", "rack units"
const char* name_of(Obstacle obstacle);

std::string plural(std::size_t count, const char* what);
std::string dollars(double amount);  // "$1,234,568", "$45.60", "$0.0123"
std::string percent(double share);   // "83 %"
std::string watts(Power power);      // "12.3 kW"
std::string life_text(Years years);  // "6.2 years", "for ever"

/// What is to be served, within which limits.
std::string demand_text(const Plan& plan);

/// What the answer rests on: where step times and prices come from, what was assumed.
std::vector<std::string> grounds_of(const Plan& plan);

}  // namespace terrace::app
