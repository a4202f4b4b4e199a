#include "sim/study/sweep.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <new>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/study/crew.hpp"
#include "sim/study/identity.hpp"
#include "sim/study/run.hpp"

namespace terrace {
namespace {

/// A run that is to be done.
struct Task {
  std::size_t run = 0;
  std::string key;
};

/// Messages of several lines as one: they become cells of tables.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == ' ' || c == '\t' || c == '\r';
    if (!space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

void fail(RunRecord& record, RunStatus status, const char* what) {
  record.status = status;
  record.error = one_line(what);
}

/// Runs it and notes what came of it; false if it was stopped half-way.
bool simulate(const Scenario& scenario, const std::vector<Metric>& metrics,
              const std::stop_token& stop, RunRecord& record) {
  try {
    const Summary summary =
        run(scenario, {{}, [&](const Progress&) { return !stop.stop_requested(); }});
    if (!summary.complete) return false;
    for (const Metric& metric : metrics) {
      record.metrics.emplace_back(metric.name, metric.value(summary));
    }
  } catch (const Infeasible& e) {
    fail(record, RunStatus::infeasible, e.what());
  } catch (const EndOfTime& e) {
    fail(record, RunStatus::infeasible, e.what());
  } catch (const config::ConfigError& e) {
    fail(record, RunStatus::invalid_input, e.what());
  } catch (const InvariantViolation& e) {
    fail(record, RunStatus::invariant, e.what());
  } catch (const std::bad_alloc&) {
    fail(record, RunStatus::world, "out of memory");
  } catch (const std::exception& e) {
    fail(record, RunStatus::world, e.what());
  }
  return true;
}

RunResult result_of(const RunRecord& record, const std::vector<Metric>& metrics) {
  RunResult result{record.status, record.error, {}};
  if (record.status != RunStatus::ok) return result;
  for (const Metric& metric : metrics) {
    const auto found = std::find_if(record.metrics.begin(), record.metrics.end(),
                                    [&](const auto& m) { return m.first == metric.name; });
    result.values.push_back(found != record.metrics.end() ? found->second : std::nullopt);
  }
  return result;
}

/// Finished runs on their way from the threads that did them to the one that notes them down.
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

std::string RunKeys::key_of(const Scenario& scenario, const std::string& resolved) {
  std::string trace = "none";
  if (scenario.workload.trace) {
    const std::string& path = scenario.workload.trace->path;
    auto known = std::find_if(traces_.begin(), traces_.end(),
                              [&](const auto& t) { return t.first == path; });
    if (known == traces_.end()) known = traces_.insert(known, {path, file_identity(path)});
    trace = known->second;
  }
  return hash_of(fmt::format("{}\n{}\n{}", version_, trace, resolved));
}

SweepResults run_sweep(const SweepPlan& plan, SweepStore& store, const SweepOptions& options) {
  SweepResults results;
  results.runs.resize(plan.runs());
  SweepProgress& progress = results.progress;
  progress.runs = plan.runs();
  const auto note = [&](std::size_t run, const RunRecord& record) {
    results.runs[run] = result_of(record, plan.known);
    ++progress.done;
    progress.failed += record.status == RunStatus::ok ? 0 : 1;
  };

  std::vector<Task> tasks;
  RunKeys keys(options.version);
  for (std::size_t run = 0; run < plan.runs(); ++run) {
    const Scenario scenario = plan.scenario_of(run);
    std::string key = keys.key_of(scenario, resolved_yaml(scenario));
    const auto known = store.find(key);
    if (known && known->status != RunStatus::world) {
      note(run, *known);
    } else {
      tasks.push_back({run, std::move(key)});
    }
  }
  progress.reused = progress.done;

  FinishedRuns finished;
  Crew crew(tasks.size(), options.jobs, [&](std::size_t i, const std::stop_token& stop) {
    const std::size_t run = tasks[i].run;
    const Scenario scenario = plan.scenario_of(run);
    RunRecord record;
    if (!simulate(scenario, plan.known, stop, record)) return;
    record.key = tasks[i].key;
    record.version = options.version;
    record.arm = plan.name_of(plan.arms[run / plan.seeds.size()]);
    record.seed = scenario.seed;
    record.scenario = resolved_yaml(scenario);
    finished.add(run, std::move(record));
  });
  // Results are fetched ten times a second, not one by one: a transaction for each costs more.
  constexpr std::chrono::milliseconds kPatience{100};
  for (bool more = true; more;) {
    more = crew.working(kPatience);
    FinishedRuns::List fresh = finished.take();
    std::vector<RunRecord> records;
    records.reserve(fresh.size());
    for (auto& [run, record] : fresh) {
      note(run, record);
      records.push_back(std::move(record));
    }
    store.add(records);
    if (options.proceed && !options.proceed(progress)) crew.stop();
  }
  return results;
}

}  // namespace terrace
