#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/app/arguments.hpp"
#include "sim/study/run_store.hpp"

namespace terrace::app {

// What verbs share that do many runs and keep them in a folder.

constexpr Option kOutOption{
    "out", "DIR", "where results are kept; results/NAME of the file if left out", Words::directory};
constexpr Option kResumeOption{
    "resume", "", "go on with what is in DIR: the default, but there must be something"};
constexpr Option kFreshOption{"fresh", "", "discard what is in DIR"};

/// The version, and which build of it: a changed policy must not pass for the old one.
std::string build_identity();

/// A folder of results, held for this process until it ends: a copy of the file that asked for
/// them, the runs in a store, and tables that are written when all is done.
class StudyFolder {
 public:
  /// Opens or creates it, as --fresh and --resume say, without old tables. `kind`: "sweep", of
  /// which there are sweep.yaml, with `text`, and sweep.sqlite.
  StudyFolder(const Arguments& arguments, std::filesystem::path path, const std::string& kind,
              const std::string& text, const std::vector<std::string>& tables);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] RunStore& store() { return store_; }
  [[nodiscard]] const std::string& version() const { return version_; }

 private:
  std::filesystem::path path_;
  DirectoryLock lock_;
  RunStore store_;
  std::string version_;
};

}  // namespace terrace::app
