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
#include "sim/study/plan/node_bracket.hpp"

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

  /// Begins with so many nodes as are likely to suffice. Nothing if it was stopped.
  std::optional<Evaluation> evaluate(const Candidate& candidate, std::optional<std::int64_t> likely,
                                     const std::stop_token& stop) {
    Evaluation e;
    e.prospect = prune_ ? prospect(plan_, candidate, demand_) : within_limits(plan_, candidate);
    if (e.prospect.hopeless()) {
      rule_out(e, e.prospect.obstacle(), e.prospect.why, e.prospect.excess);
      return e;
    }
    const std::int64_t least = e.prospect.least_nodes;
    NodeBracket bracket(least, e.prospect.most_nodes, likely.value_or(least));
    while (const auto nodes = bracket.next()) {
      const std::string label = fmt::format("{} x ({})", *nodes, candidate.name);
      const auto record = runs_.run(candidate.on(*nodes, load_), label, stop);
      if (!record) return std::nullopt;
      raise(*record);
      ++e.runs;
      ++done_;
      if (record->status == RunStatus::infeasible) {
        rule_out(e, Obstacle::memory, record->error, std::numeric_limits<double>::infinity());
        return e;
      }
      if (passes(record->found)) {
        e.nodes = *nodes;
        e.performance = performance(plan_, candidate, *nodes, record->found);
        bracket.suffices(*nodes);
      } else {
        if (!e.nodes) note_shortfall(e, *nodes, record->found);
        bracket.falls_short(*nodes);
      }
    }
    return e;
  }

  void keep() { runs_.keep(); }
  [[nodiscard]] std::size_t runs() const { return done_; }

 private:
  void note_shortfall(Evaluation& e, std::int64_t nodes, const Findings& found) const {
    const Shortfall missed = shortfall(found, plan_.bounds);
    rule_out(e, Obstacle::slo,
             fmt::format("{} with {} node{}, the most that {}", missed.words, nodes,
                         nodes == 1 ? "" : "s", name_of_limit(e.prospect.most_by)),
             missed.excess);
  }

  const Plan& plan_;
  double load_;
  bool prune_;
  Demand demand_;
  RememberedRuns runs_;
  std::atomic<std::size_t> done_{0};
};

/// The first candidate with the same GPUs: memory below HBM seldom changes much in how many nodes
/// are needed.
std::size_t leader_of(const Plan& plan, std::size_t candidate) {
  const Candidate& one = plan.candidates[candidate];
  std::size_t leader = candidate;
  while (leader > 0 && plan.candidates[leader - 1].machine == one.machine &&
         plan.candidates[leader - 1].tensor_parallel == one.tensor_parallel) {
    --leader;
  }
  return leader;
}

/// With how many to begin where it took the leader so many, or more than it was allowed.
std::int64_t likely_nodes(const Evaluation& leader) {
  return leader.nodes.value_or(leader.prospect.most_nodes);
}

}  // namespace

PlanResults search(const Plan& plan, double load, RunStore& store, const PlanOptions& options) {
  PlanResults results;
  results.evaluations.resize(plan.candidates.size());
  results.progress.candidates = plan.candidates.size();
  Search search(plan, load, store, options);
  std::mutex mutex;  // of the evaluations
  const auto evaluate = [&](const std::vector<std::size_t>& pieces) {
    Crew crew(pieces.size(), options.jobs, [&](std::size_t i, const std::stop_token& stop) {
      const std::size_t leader = leader_of(plan, pieces[i]);
      const auto& led_by = results.evaluations[leader];
      const auto likely =
          leader != pieces[i] && led_by ? std::optional(likely_nodes(*led_by)) : std::nullopt;
      auto evaluation = search.evaluate(plan.candidates[pieces[i]], likely, stop);
      const std::lock_guard lock(mutex);
      results.evaluations[pieces[i]] = std::move(evaluation);
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
    return !crew.stopped();
  };
  std::vector<std::size_t> leaders;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    (leader_of(plan, i) == i ? leaders : others).push_back(i);
  }
  if (evaluate(leaders)) evaluate(others);
  return results;
}

}  // namespace terrace
