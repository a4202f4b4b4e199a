#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/points_file.hpp"
#include "calibrate/output_option.hpp"
#include "calibrate/profile/comparison.hpp"
#include "calibrate/profile/comparison_report.hpp"
#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/profile/run_file.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/output.hpp"

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::Option;
using app::Positional;
using app::UsageError;
using app::Words;

bool is_table(const std::string& name) { return name.ends_with(".csv"); }

std::filesystem::path file_of(const std::string& name, const config::Catalogue& catalogue) {
  return is_table(name) ? std::filesystem::path(name) : find_run(name, catalogue);
}

/// A run that was read, and its profile, which points into it.
struct Read {
  MeasuredRun run;
  MachineProfile profile;

  Read(const std::string& name, const config::Catalogue& catalogue)
      : run(read_run(find_run(name, catalogue))), profile(laws_and_machine(run, catalogue)) {
    if (!profile.missing.empty()) app::note(fmt::format("terrace: {}: {}", name, profile.missing));
  }
  Read(const Read&) = delete;
  Read& operator=(const Read&) = delete;
};

Comparison compared(const std::string& a, const std::string& b,
                    const config::Catalogue& catalogue) {
  if (is_table(a) && is_table(b)) {
    throw UsageError("two tables: one of the two has to be a calibration");
  }
  if (!is_table(a) && !is_table(b)) {
    const Read first(a, catalogue);
    const Read second(b, catalogue);
    return compare({first.run, first.profile}, {second.run, second.profile});
  }
  const PointTable table = read_points(is_table(a) ? a : b, "");
  const Read run(is_table(a) ? b : a, catalogue);
  return compare({run.run, run.profile}, table, is_table(a));
}

ExitCode run(const Arguments& arguments) {
  const std::string a = *arguments.positional(0);
  const std::string b = *arguments.positional(1);
  const config::Catalogue catalogue = app::open_catalogue(arguments);
  const auto csv = output_option(arguments, "csv", ".csv",
                                 std::array{file_of(a, catalogue), file_of(b, catalogue)});
  const Comparison comparison = compared(a, b, catalogue);
  if (comparison.pairs.empty()) {
    throw UsageError(
        fmt::format("'{}' and '{}' have no point in common: there is nothing to compare; 'terrace "
                    "calibrate report' says what was measured",
                    a, b));
  }
  if (csv) write_comparison_csv(comparison, *csv);
  app::print(arguments.has("json") ? comparison_json(comparison, a, b)
                                   : comparison_text(comparison, a, b));
  return ExitCode::ok;
}

constexpr std::array kPositionals = {
    Positional{"A", "a calibration, or a table of measured calls (.csv)", true, Words::file},
    Positional{"B", "another, or a table if A is none", true, Words::file}};

constexpr std::array kOptions = {
    Option{"csv", "FILE.csv", "write a row for each pair of points there", Words::file},
    Option{"json", "", "print it as JSON, and nothing else"}, app::kCatalogOption};

}  // namespace

constinit const app::Verb kCompare = {
    .name = "calibrate compare",
    .summary = "two calibrations side by side, or one beside published times",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "Points of two calibrations are the same if their ids are. A table is one that 'terrace\n"
        "calibrate fit' reads: points are the same if their shapes are; where the table has no "
        "such\nshape but a shorter and a longer one, at most a factor of four apart, it is "
        "interpolated\nbetween them, and counted as such.\n\n"
        "  terrace calibrate compare mine theirs --csv pairs.csv\n"
        "  terrace calibrate compare mine published/gemm.csv\n",
    .run = run};

}  // namespace terrace::calibrate
