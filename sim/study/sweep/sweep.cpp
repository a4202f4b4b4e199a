#include "sim/study/sweep/sweep.hpp"

#include <algorithm>
#include <mutex>
#include <stop_token>
#include <utility>

#include "sim/study/crew.hpp"
#include "sim/study/remembered_runs.hpp"
#include "sim/study/run.hpp"

namespace terrace {
namespace {

RunResult result_of(const RunRecord& record, const std::vector<Metric>& metrics) {
  RunResult result{record.status, record.error, {}};
  if (record.status != RunStatus::ok) return result;
  for (const Metric& metric : metrics) {
    const auto found = std::find_if(record.found.metrics.begin(), record.found.metrics.end(),
                                    [&](const auto& m) { return m.first == metric.name; });
    result.values.push_back(found != record.found.metrics.end() ? found->second : std::nullopt);
  }
  return result;
}

/// What the metrics say about a run of the scenario.
Experiment measured_by(const std::vector<Metric>& metrics) {
  return
      [&metrics](const Scenario& scenario, const std::stop_token& stop) -> std::optional<Findings> {
        const Summary summary =
            run(scenario, {{}, [&](const Progress&) { return !stop.stop_requested(); }});
        if (!summary.complete) return std::nullopt;
        Findings found;
        found.limit = summary.verdict.limit;
        for (const Metric& metric : metrics) {
          found.metrics.emplace_back(metric.name, metric.value(summary));
        }
        return found;
      };
}

/// Finished runs on their way from the threads that did them to the one that counts them.
class FinishedRuns {
 public:
  using List = std::vector<std::pair<std::size_t, RunRecord>>;

  void add(std::size_t run, RunRecord record) {
    const std::lock_guard lock(mutex_);
    list_.emplace_back(run, std::move(record));
  }

  /// Those since the last call.
  List take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(list_, {});
  }

 private:
  std::mutex mutex_;
  List list_;
};

}  // namespace

SweepResults run_sweep(const SweepPlan& plan, RunStore& store, const SweepOptions& options) {
  SweepResults results;
  results.runs.resize(plan.runs());
  SweepProgress& progress = results.progress;
  progress.runs = plan.runs();
  const auto note = [&](std::size_t run, const RunRecord& record) {
    results.runs[run] = result_of(record, plan.known);
    ++progress.done;
    progress.failed += record.status == RunStatus::ok ? 0 : 1;
  };

  RememberedRuns runs(store, options.version, "sweep", measured_by(plan.known));
  std::vector<std::size_t> missing;
  for (std::size_t run = 0; run < plan.runs(); ++run) {
    if (const auto known = runs.known(plan.scenario_of(run))) {
      note(run, *known);
    } else {
      missing.push_back(run);
    }
  }
  progress.reused = progress.done;

  FinishedRuns finished;
  Crew crew(missing.size(), options.jobs, [&](std::size_t i, const std::stop_token& stop) {
    const std::size_t run = missing[i];
    const std::string arm = plan.name_of(plan.arms[run / plan.seeds.size()]);
    if (auto record = runs.run(plan.scenario_of(run), arm, stop)) {
      finished.add(run, std::move(*record));
    }
  });
  // Results are kept now and then, not one by one: a transaction for each costs more.
  const auto keep = [&] {
    for (const auto& [run, record] : finished.take()) note(run, record);
    runs.keep();
    return !options.proceed || options.proceed(progress);
  };
  crew.finish(keep);
  keep();
  return results;
}

}  // namespace terrace
