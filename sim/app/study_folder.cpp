#include "sim/app/study_folder.hpp"

#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/app/output.hpp"
#include "sim/report/output_file.hpp"
#include "sim/study/identity.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;

void discard(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  if (!error) return;
  throw std::runtime_error(fmt::format("cannot replace {}: {}", file.string(), error.message()));
}

/// The path of the store, once there is nothing left of what it is to replace.
fs::path cleared(const Arguments& arguments, const fs::path& path, const std::string& kind,
                 const std::vector<std::string>& tables) {
  const fs::path database = path / (kind + ".sqlite");
  for (const std::string& table : tables) discard(path / table);
  if (!arguments.has(kFreshOption.name) || !fs::exists(database)) return database;
  if (!arguments.has("quiet")) {
    note(fmt::format("terrace: the old results in {} are discarded", database.string()));
  }
  for (const char* ending : {"", "-wal", "-shm"}) discard(database.string() + ending);
  return database;
}

fs::path checked(const Arguments& arguments, fs::path path, const std::string& kind) {
  const fs::path database = path / (kind + ".sqlite");
  if (arguments.has(kResumeOption.name) && !fs::exists(database)) {
    throw UsageError(fmt::format("there is nothing to resume: no {}", database.string()));
  }
  return path;
}

}  // namespace

std::string build_identity() {
  const std::string program = file_identity("/proc/self/exe");
  return fmt::format("{}+{}", TERRACE_VERSION, program.substr(program.find(':') + 1, 12));
}

StudyFolder::StudyFolder(const Arguments& arguments, fs::path path, const std::string& kind,
                         const std::string& text, const std::vector<std::string>& tables)
    : path_(checked(arguments, std::move(path), kind)),
      lock_(path_),
      store_(cleared(arguments, path_, kind, tables)),
      version_(build_identity()) {
  replace_file(path_ / (kind + ".yaml"), text);
  const std::size_t foreign = store_.foreign(version_);
  if (foreign > 0 && !arguments.has("quiet")) {
    note(fmt::format("terrace: {} results of other builds of terrace are kept, but not used",
                     foreign));
  }
}

}  // namespace terrace::app
