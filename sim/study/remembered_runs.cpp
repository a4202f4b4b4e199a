#include "sim/study/remembered_runs.hpp"

#include <algorithm>
#include <new>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/scenario/measured_files.hpp"
#include "sim/study/identity.hpp"

namespace terrace {
namespace {

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

/// Does it and notes what came of it; false if it was stopped half-way.
bool attempt(const Experiment& experiment, const Scenario& scenario, const std::stop_token& stop,
             RunRecord& record) {
  try {
    auto found = experiment(scenario, stop);
    if (!found) return false;
    record.found = std::move(*found);
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

}  // namespace

std::string RememberedRuns::key_of(const Scenario& scenario, const std::string& resolved) {
  const auto& trace = scenario.workload.trace;
  std::string files = trace ? identity_of(trace->path) : "none";
  for (const auto& path : measured_files(scenario)) files += '\n' + identity_of(path.string());
  return hash_of(fmt::format("{}\n{}\n{}\n{}", version_, name_, files, resolved));
}

std::string RememberedRuns::identity_of(const std::string& path) {
  const std::lock_guard lock(mutex_);
  auto seen =
      std::find_if(files_.begin(), files_.end(), [&](const auto& f) { return f.first == path; });
  if (seen == files_.end()) seen = files_.insert(seen, {path, file_identity(path)});
  return seen->second;
}

std::optional<RunRecord> RememberedRuns::known(const Scenario& scenario) {
  return find(key_of(scenario, resolved_yaml(scenario)));
}

std::optional<RunRecord> RememberedRuns::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto kept = std::find_if(fresh_.begin(), fresh_.end(),
                                 [&](const RunRecord& record) { return record.key == key; });
  auto record = kept != fresh_.end() ? std::optional(*kept) : store_.find(key);
  if (record && record->status == RunStatus::world) record.reset();
  return record;
}

std::optional<RunRecord> RememberedRuns::run(const Scenario& scenario, const std::string& label,
                                             const std::stop_token& stop) {
  RunRecord record;
  record.scenario = resolved_yaml(scenario);
  record.key = key_of(scenario, record.scenario);
  if (auto before = find(record.key)) return before;
  record.version = version_;
  record.arm = label;
  record.seed = scenario.seed;
  if (!attempt(experiment_, scenario, stop, record)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  fresh_.push_back(record);
  return record;
}

void RememberedRuns::keep() {
  const std::lock_guard lock(mutex_);
  store_.add(fresh_);
  fresh_.clear();
}

}  // namespace terrace
