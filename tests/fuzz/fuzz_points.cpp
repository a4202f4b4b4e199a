// Feeds any bytes to what reads calibrations. The first byte says what they are: the points.json of
// a whole one, or the journal of one that was stopped. Nothing but ConfigError may come out, and
// what is accepted has to be sound: finite positive medians, ids that differ, a text that reads
// back to itself, and laws and a profile of it, or a reason why there are none.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "calibrate/measuring/journal.hpp"
#include "calibrate/measuring/points_file.hpp"
#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/profile/profile_report.hpp"
#include "calibrate/profile/run_check.hpp"
#include "sim/base/check.hpp"
#include "sim/config/catalogue.hpp"
#include "sim/config/diagnostics.hpp"

namespace {

using terrace::calibrate::Journal;
using terrace::calibrate::MeasuredPoint;
using terrace::calibrate::MeasuredRun;

void check_points(const std::vector<MeasuredPoint>& points) {
  std::set<std::string> ids;
  for (const MeasuredPoint& point : points) {
    TERRACE_CHECK(ids.insert(point.id).second);
    if (!point.error.empty()) continue;
    TERRACE_CHECK(std::isfinite(point.sample.median) && point.sample.median > 0);
    TERRACE_CHECK(point.sample.n >= 1 && point.sample.p10 <= point.sample.p90);
  }
}

void check_whole(const std::string& text) {
  const MeasuredRun run =
      terrace::calibrate::measured_run("p", terrace::calibrate::check_run("p", text));
  check_points(run.points);
  const std::string written = points_text(run);
  const auto again = terrace::calibrate::check_run("p", written);
  TERRACE_CHECK(points_text(terrace::calibrate::measured_run("p", again)) == written);
  static const terrace::config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});
  const auto profile = laws_and_machine(run, kCatalogue);
  TERRACE_CHECK(!profile_text(profile, run, "p").empty());
  TERRACE_CHECK(!profile.missing.empty() || !machine_yaml(profile, run).empty());
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string text(data + 1, data + size);
  try {
    if (data[0] % 2 == 0) {
      check_whole(text);
    } else if (const auto kept = Journal::parse("j", text)) {
      check_points(kept->progressed.points);
      TERRACE_CHECK(kept->lines.size() == kept->progressed.points.size());
    }
  } catch (const terrace::config::ConfigError& error) {
    const std::string what = error.what();
    TERRACE_CHECK(what.ends_with('\n') && what.find("error: ") != std::string::npos);
    TERRACE_CHECK(what.find("json.exception") == std::string::npos);
  }
  return 0;
}
