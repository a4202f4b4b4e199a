#include "sim/study/plan/search.hpp"

#include <algorithm>
#include <atomic>
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
        runs_(store, options.version, name_of_trials(plan.bounds, false),
              trials(plan.bounds, false)),
        whole_(store, options.version, name_of_trials(plan.bounds, true),
               trials(plan.bounds, true)) {
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
    std::optional<RunRecord> most;  // of the most nodes that fell short
    while (const auto nodes = bracket.next()) {
      auto record = try_on(runs_, candidate, *nodes, stop);
      if (!record) return std::nullopt;
      ++e.runs;
      if (passes(record->found)) {
        e.nodes = *nodes;
        e.performance = performance(plan_, candidate, *nodes, record->found);
        bracket.suffices(*nodes);
      } else {
        most = std::move(record);
        bracket.falls_short(*nodes);
      }
    }
    if (!e.meets()) note_shortfall(e, e.prospect.most_nodes, *most);
    return e;
  }

  /// Of one that falls short whatever the number of nodes: by how much with the most of them.
  bool measure_shortfall(const Candidate& candidate, Evaluation& e, const std::stop_token& stop) {
    const std::int64_t nodes = e.prospect.most_nodes;
    const auto record = try_on(whole_, candidate, nodes, stop);
    if (!record) return false;
    ++e.runs;
    note_shortfall(e, nodes, *record);
    return true;
  }

  void keep() {
    runs_.keep();
    whole_.keep();
  }
  [[nodiscard]] std::size_t runs() const { return done_; }

 private:
  /// Nothing if it was stopped.
  std::optional<RunRecord> try_on(RememberedRuns& runs, const Candidate& candidate,
                                  std::int64_t nodes, const std::stop_token& stop) {
    const std::string label = fmt::format("{} x ({})", nodes, candidate.name);
    auto record = runs.run(candidate.on(nodes, load_), label, stop);
    if (!record) return record;
    raise(*record);
    ++done_;
    return record;
  }

  void note_shortfall(Evaluation& e, std::int64_t nodes, const RunRecord& record) const {
    // What cannot be simulated at all, as it would outlast the clock, says so itself.
    const Shortfall missed = record.status == RunStatus::ok
                                 ? shortfall(record.found, plan_.bounds)
                                 : Shortfall{record.error, std::numeric_limits<double>::infinity()};
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
  RememberedRuns whole_;
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

bool is_short(const Performance& performance) {
  constexpr double kEnough = 5;
  return performance.turnovers < kEnough;
}

PlanResults search(const Plan& plan, double load, RunStore& store, const PlanOptions& options) {
  PlanResults results;
  results.evaluations.resize(plan.candidates.size());
  results.progress.candidates = plan.candidates.size();
  Search search(plan, load, store, options);
  std::mutex mutex;  // of the evaluations
  const auto work = [&](const std::vector<std::size_t>& candidates, const Crew::Work& piece) {
    Crew crew(candidates.size(), options.jobs,
              [&](std::size_t i, const std::stop_token& stop) { piece(candidates[i], stop); });
    const auto keep = [&] {
      search.keep();
      results.progress.runs = search.runs();
      const std::lock_guard lock(mutex);
      results.progress.done = static_cast<std::size_t>(
          std::count_if(results.evaluations.begin(), results.evaluations.end(),
                        [](const auto& e) { return e.has_value(); }));
      return !options.proceed || options.proceed(results.progress);
    };
    const bool finished = crew.finish(keep);
    keep();
    return finished;
  };
  const auto evaluate = [&](const std::vector<std::size_t>& candidates) {
    return work(candidates, [&](std::size_t i, const std::stop_token& stop) {
      const std::size_t leader = leader_of(plan, i);
      const auto& led_by = results.evaluations[leader];
      const auto likely =
          leader != i && led_by ? std::optional(likely_nodes(*led_by)) : std::nullopt;
      auto evaluation = search.evaluate(plan.candidates[i], likely, stop);
      const std::lock_guard lock(mutex);
      results.evaluations[i] = std::move(evaluation);
    });
  };
  std::vector<std::size_t> leaders;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    (leader_of(plan, i) == i ? leaders : others).push_back(i);
  }
  if (!evaluate(leaders) || !evaluate(others)) return results;
  const bool answered = std::any_of(results.evaluations.begin(), results.evaluations.end(),
                                    [](const auto& e) { return e->meets(); });
  if (answered) return results;
  // Runs that are cut short do not tell which candidate comes nearest.
  std::vector<std::size_t> tried;
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    if (results.evaluations[i]->obstacle == Obstacle::slo) tried.push_back(i);
  }
  work(tried, [&](std::size_t i, const std::stop_token& stop) {
    Evaluation measured = *results.evaluations[i];
    const bool whole = search.measure_shortfall(plan.candidates[i], measured, stop);
    const std::lock_guard lock(mutex);
    results.evaluations[i] = whole ? std::optional(std::move(measured)) : std::nullopt;
  });
  return results;
}

}  // namespace terrace
