#include "sim/study/sweep.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/capacity.hpp"
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
              const std::atomic<bool>& stop, RunRecord& record) {
  try {
    const Summary summary =
        run(scenario, {{}, [&](const Progress&) { return !stop.load(std::memory_order_relaxed); }});
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

/// Threads that work a list of tasks off; what they finish is collected with take().
class Workers {
 public:
  Workers(const SweepPlan& plan, std::vector<Task> tasks, const std::string& version,
          std::size_t jobs)
      : plan_(plan), tasks_(std::move(tasks)), version_(version) {
    const std::size_t count =
        std::clamp<std::size_t>(jobs, 1, std::max<std::size_t>(tasks_.size(), 1));
    running_ = count;
    for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Workers() { stop(); }  // the threads are joined as they are destroyed, before all else
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  using Finished = std::vector<std::pair<std::size_t, RunRecord>>;

  /// What has been finished since the last call, after at most a tenth of a second; the second is
  /// whether there is more to come.
  std::pair<Finished, bool> take() {
    constexpr std::chrono::milliseconds kPatience{100};
    std::unique_lock lock(mutex_);
    // Results are fetched once in that time, not one by one: a transaction for each costs more.
    idle_.wait_for(lock, kPatience, [this] { return running_ == 0; });
    if (failure_) std::rethrow_exception(failure_);
    return {std::exchange(finished_, {}), running_ > 0};
  }

  void stop() { stop_.store(true, std::memory_order_relaxed); }

 private:
  void work() {
    try {
      for (std::size_t i = next_++; i < tasks_.size() && !stop_; i = next_++) work_on(tasks_[i]);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) idle_.notify_one();
  }

  void work_on(const Task& task) {
    const Scenario scenario = plan_.scenario_of(task.run);
    RunRecord record;
    if (!simulate(scenario, plan_.known, stop_, record)) return;
    record.key = task.key;
    record.version = version_;
    record.arm = plan_.name_of(plan_.arms[task.run / plan_.seeds.size()]);
    record.seed = scenario.seed;
    record.scenario = resolved_yaml(scenario);
    const std::lock_guard lock(mutex_);
    finished_.emplace_back(task.run, std::move(record));
  }

  const SweepPlan& plan_;
  const std::vector<Task> tasks_;
  const std::string& version_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // of what follows
  std::condition_variable idle_;
  Finished finished_;
  std::exception_ptr failure_;
  std::size_t running_ = 0;
  std::vector<std::jthread> threads_;
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

  Workers workers(plan, std::move(tasks), options.version, options.jobs);
  for (bool more = true; more;) {
    Workers::Finished finished;
    std::tie(finished, more) = workers.take();
    std::vector<RunRecord> records;
    records.reserve(finished.size());
    for (auto& [run, record] : finished) {
      note(run, record);
      records.push_back(std::move(record));
    }
    store.add(records);
    if (options.proceed && !options.proceed(progress)) workers.stop();
  }
  return results;
}

}  // namespace terrace
