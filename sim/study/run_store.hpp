#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace terrace {

/// Why a run has no results. Those of `world` may go away by themselves, so they are tried again.
enum class RunStatus : std::uint8_t {
  ok,
  infeasible,     // the model does not fit, or simulated time would not suffice
  invalid_input,  // a trace that cannot be replayed
  invariant,      // the simulator contradicted itself
  world           // no memory, a file that cannot be read
};

/// What was found out about a run.
struct Findings {
  std::vector<std::pair<std::string, std::optional<double>>> metrics;  // by name
  std::string limit;  // what limited it, in the words of Verdict
};

/// One run as it is kept.
struct RunRecord {
  std::string key;  // identity of version, scenario and trace
  std::string version;
  std::string arm;
  std::int64_t seed = 0;
  RunStatus status = RunStatus::ok;
  std::string error;
  Findings found;        // nothing if it failed
  std::string scenario;  // resolved
};

/// Results of runs, a row each, in an SQLite file. What was committed survives the
/// death of the program at any moment. Any number of threads may use it; the folder is locked by
/// its owner.
///
/// Every failure throws std::runtime_error with the path and the reason.
class RunStore {
 public:
  explicit RunStore(const std::filesystem::path& path);
  ~RunStore();

  [[nodiscard]] std::optional<RunRecord> find(const std::string& key) const;

  /// How many rows are of other versions.
  [[nodiscard]] std::size_t foreign(const std::string& version) const;

  /// Adds or replaces rows, all in one transaction.
  void add(const std::vector<RunRecord>& records);

 private:
  struct Database;
  std::unique_ptr<Database> database_;
};

/// "ok", "infeasible", ...
std::string name_of(RunStatus status);

/// Holds a directory for this process until it ends, however it ends.
class DirectoryLock {
 public:
  /// Creates the directory if need be. Throws std::runtime_error if another process holds it.
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace terrace
