#include "calibrate/profile/doubts.hpp"

#include <cstddef>

#include <fmt/format.h>

#include "calibrate/measuring/proven.hpp"
#include "sim/base/text.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::size_t kMostListed = 20;  // points; the JSON has all

}  // namespace

std::string proofs_text(const MeasuredRun& run) {
  if (!run.compared) return "  not compared: measured before that was done\n";
  Table table({"kernel", "of", "relative error", "bound", ""});
  for (const KernelFinding& one : run.findings) {
    table.add(
        {escape_controls(one.kernel),
         escape_controls(fmt::format("{}", fmt::join(one.families, ", "))),
         one.failure.empty() ? fmt::format("{:.2g}", one.error) : escape_controls(one.failure),
         fmt::format("{:.2g}", one.bound), one.ok() ? "" : "WRONG: not timed"});
  }
  return table.rows() > 0 ? table.text() : "  none\n";
}

std::string doubtful_text(const MeasuredRun& run) {
  const auto wrong = condemned(run.findings);
  std::string text;
  std::size_t count = 0;
  for (const MeasuredPoint& point : run.points) {
    const bool failed = !point.error.empty();
    if (wrong.contains(point.family)) continue;  // among the kernels
    if (!failed && point.sample.stable) continue;
    if (++count > kMostListed) continue;
    const Sample& s = point.sample;
    const std::string what = failed ? fmt::format("{}: failed: {}", point.id, point.error)
                                    : fmt::format("{}: median {:.4g} {}, P10 {:.4g}, P90 {:.4g}",
                                                  point.id, s.median, point.unit, s.p10, s.p90);
    text += "  " + escape_controls(what) + "\n";
  }
  if (count > kMostListed) text += fmt::format("  and {} more\n", count - kMostListed);
  return count == 0 ? "  none\n" : text;
}

}  // namespace terrace::calibrate
