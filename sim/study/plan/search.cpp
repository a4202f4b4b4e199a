#include "sim/study/plan/search.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/study/crew.hpp"
#include "sim/study/plan/judged_run.hpp"

namespace terrace {
namespace {

const char* name_of_limit(Obstacle limit) {
  if (limit == Obstacle::rack_units) return "the rack units allow";
  if (limit == Obstacle::power) return "the power allows";
  return limit == Obstacle::budget ? "the budget allows" : "most_nodes allows";
}

void rule_out(Evaluation& evaluation, Obstacle obstacle, std::string why, double excess) {
  evaluation.obstacle = obstacle;
  evaluation.why = std::move(why);
  evaluation.excess = excess;
}

/// What a run died of, unless that says something about the machines.
void raise(const RunRecord& record) {
  switch (record.status) {
    case RunStatus::ok:
    case RunStatus::infeasible:
      return;
    case RunStatus::invalid_input:
      throw config::ConfigError(record.error);
    case RunStatus::invariant:
      throw InvariantViolation(record.error);
    case RunStatus::world:
      throw std::runtime_error(record.error);
  }
}

/// The search for one load.
class Search {
 public:
  Search(const Plan& plan, double load, RunStore& store, const PlanOptions& options)
      : plan_(plan),
        load_(load),
        prune_(options.prune),
        runs_(store, options.version, name_of_trials(plan.bounds), trials(plan.bounds)) {
    if (prune_ && !plan.candidates.empty()) {
      demand_ = demand_of(plan.candidates.front().on(1, load), plan.bounds);
    }
  }

  /// Nothing if it was stopped.
  std::optional<Evaluation> evaluate(const Candidate& candidate, const std::stop_token& stop) {
    Evaluation e;
    e.prospect = prune_ ? prospect(plan_, candidate, demand_) : within_limits(plan_, candidate);
    if (e.prospect.hopeless()) {
      rule_out(e, e.prospect.obstacle(), e.prospect.why, e.prospect.excess);
      return e;
    }
    for (std::int64_t nodes = e.prospect.least_nodes; nodes <= e.prospect.most_nodes; ++nodes) {
      const std::string label = fmt::format("{} x ({})", nodes, candidate.name);
      const auto record = runs_.run(candidate.on(nodes, load_), label, stop);
      if (!record) return std::nullopt;
      raise(*record);
      ++e.runs;
      ++done_;
      if (record->status == RunStatus::infeasible) {
        rule_out(e, Obstacle::memory, record->error, std::numeric_limits<double>::infinity());
        return e;
      }
      if (passes(record->found)) {
        e.nodes = nodes;
        e.performance = performance(plan_, candidate, nodes, record->found);
        return e;
      }
      const Shortfall missed = shortfall(record->found, plan_.bounds);
      rule_out(e, Obstacle::slo,
               fmt::format("{} with {} node{}, the most that {}", missed.words, nodes,
                           nodes == 1 ? "" : "s", name_of_limit(e.prospect.most_by)),
               missed.excess);
    }
    return e;
  }

  void keep() { runs_.keep(); }
  [[nodiscard]] std::size_t runs() const { return done_; }

 private:
  const Plan& plan_;
  double load_;
  bool prune_;
  Demand demand_;
  RememberedRuns runs_;
  std::atomic<std::size_t> done_{0};
};

}  // namespace

PlanResults search(const Plan& plan, double load, RunStore& store, const PlanOptions& options) {
  PlanResults results;
  results.evaluations.resize(plan.candidates.size());
  results.progress.candidates = plan.candidates.size();
  Search search(plan, load, store, options);
  std::mutex mutex;  // of the evaluations
  Crew crew(plan.candidates.size(), options.jobs, [&](std::size_t i, const std::stop_token& stop) {
    auto evaluation = search.evaluate(plan.candidates[i], stop);
    const std::lock_guard lock(mutex);
    results.evaluations[i] = std::move(evaluation);
  });
  constexpr std::chrono::milliseconds kPatience{100};
  for (bool more = true; more;) {
    more = crew.working(kPatience);
    search.keep();
    results.progress.runs = search.runs();
    const std::lock_guard lock(mutex);
    results.progress.done = static_cast<std::size_t>(
        std::count_if(results.evaluations.begin(), results.evaluations.end(),
                      [](const auto& e) { return e.has_value(); }));
    if (options.proceed && !options.proceed(results.progress)) crew.stop();
  }
  return results;
}

}  // namespace terrace
