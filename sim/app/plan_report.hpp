#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "sim/study/plan/choice.hpp"
#include "sim/study/plan/outlook.hpp"
#include "sim/study/plan/plan.hpp"
#include "sim/study/plan/search.hpp"

namespace terrace::app {

/// What a finished search says. Nothing depends on threads, the clock, or how often it was resumed.
struct PlanReport {
  const Plan& plan;
  const PlanResults& results;
  const Choice& choice;
  const Outlooks& outlooks;
  bool all = false;  // every offer and every loser, not only the first
};

/// Where no candidate meets the demand, the one that came nearest: whose obstacle would have to
/// give way by the least factor. Of equals, or if none is known, the first.
std::size_t nearest_miss(const PlanResults& results);

/// For people: the demand, the offers, the answer, why, what follows, what it rests on.
std::string plan_text(const PlanReport& report);

/// What would be searched. Nothing is simulated for it.
std::string dry_plan_text(const Plan& plan, const std::filesystem::path& directory);

/// All of it for programs.
std::string plan_json(const PlanReport& report);

/// candidates.csv, a row for each, and offers.csv; each appears whole.
void write_plan_csv(const PlanReport& report, const std::filesystem::path& directory);

}  // namespace terrace::app
