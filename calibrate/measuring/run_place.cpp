#include "calibrate/measuring/run_place.hpp"

#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::calibrate {

namespace fs = std::filesystem;
using app::UsageError;

RunPlace::RunPlace(std::string out) : name_(std::move(out)) {
  const std::string typed = name_;
  constexpr std::array<std::string_view, 4> kSuffixes = {".points.json", ".points.journal", ".json",
                                                         ".yaml"};
  for (const std::string_view suffix : kSuffixes) {
    if (!name_.ends_with(suffix)) continue;
    name_.resize(name_.size() - suffix.size());
    break;
  }
  const fs::path path(name_);
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) {
    throw UsageError(fmt::format(
        "--out: '{0}' is a directory; --out {1} puts NAME.points.json and NAME.yaml there", typed,
        (path / "NAME").string()));
  }
  if (path.filename().empty()) {
    throw UsageError(fmt::format(
        "--out takes how the names of files begin, such as results/mine, and not '{}'", typed));
  }
  const fs::path folder = path.parent_path();
  if (!folder.empty() && !fs::is_directory(folder, unknown)) {
    throw UsageError(fmt::format("--out: there is no directory '{}'", folder.string()));
  }
}

void RunPlace::check_free() const {
  std::error_code unknown;
  if (fs::exists(journal(), unknown)) return;
  for (const fs::path& file : {points(), profile()}) {
    if (!fs::exists(file, unknown)) continue;
    throw UsageError(fmt::format(
        "{} is there already: choose another --out, or replace it with --fresh", file.string()));
  }
}

void RunPlace::check_writable() const {
  for (const fs::path& file : {points(), journal(), profile()}) check_replaceable(file);
}

}  // namespace terrace::calibrate
