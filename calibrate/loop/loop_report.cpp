#include "calibrate/loop/loop_report.hpp"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kRestless = 0.25;  // spread of a step that is always the same

std::string percent(double ratio) { return fmt::format("{:.1f}", 100 * ratio); }
std::string signed_percent(double ratio) { return fmt::format("{:+.1f}", 100 * ratio); }

std::string value_text(std::size_t quantity, double value) {
  if (value == 0) return "none";
  const QuantityInfo& info = kQuantities[quantity];
  if (info.is_time) return human::time(value);
  return info.name == "peak_blocks" ? human::count(static_cast<std::int64_t>(value))
                                    : human::bytes(value);
}

std::string header(const LoopResult& r) {
  const labs::Shape& s = r.shape;
  const LoopCalibration& c = r.calibration;
  const std::size_t evicting = static_cast<std::size_t>(std::count_if(
      r.workloads.begin(), r.workloads.end(), [](const auto& w) { return w.evicts; }));
  const CopyLaw copy = copy_law(c.moves.from_memory, s.block_bytes());
  std::string text = fmt::format(
      "device       {}\n"
      "{}"
      "model        {} layers of {}, {} heads of {}, {} for keys and values; a block is {}\n"
      "calibrated   in {}; a step that is always the same varied by {} % (P10 to P90)\n"
      "memory       a block is loaded in {}\n"
      "file         in {}; {} one by one, {} when {} are loaded at once\n"
      "served       {} workloads, {} of which evict into the file, {} times each\n",
      r.device, r.host.empty() ? "" : fmt::format("host         {}\n", r.host), s.layers, s.width,
      s.heads, s.head_dim, s.kv_heads, human::bytes(s.block_bytes()), human::time(seconds(c.took)),
      percent(c.steps.sentinel_spread), human::time(seconds(s.block_bytes() / copy.rate)),
      r.options.disk.string(), human::time(seconds(c.moves.from_file.begin()->second)),
      human::time(seconds(c.moves.from_file.rbegin()->second) /
                  static_cast<double>(c.moves.from_file.rbegin()->first)),
      c.moves.from_file.rbegin()->first, r.workloads.size(), evicting, r.runs);
  for (const std::string& caveat : r.caveats) text += paragraph("note         ", caveat);
  return text;
}

std::string workload_table(const LoopResult& r) {
  Table table({"workload", "quantity", "measured", "predicted", "error %", "runs differ by %"});
  for (const ComparedWorkload& w : r.workloads) {
    std::string name = w.name + (w.disturbed ? " (disturbed)" : "");
    for (const ComparedQuantity& q : w.quantities) {
      table.add({std::exchange(name, ""), std::string(kQuantities[q.quantity].summary),
                 value_text(q.quantity, q.measured), value_text(q.quantity, q.predicted),
                 signed_percent(q.error()), percent(q.spread)});
    }
  }
  return table.text();
}

std::string summary_table(const std::vector<ErrorSummary>& all) {
  Table table({"|error|, %", "cases", "median", "P90", "max", "bias", "runs differ by"});
  for (const ErrorSummary& s : all) {
    if (s.count == 0) continue;
    table.add({s.name, human::count(static_cast<std::int64_t>(s.count)), percent(s.median),
               percent(s.p90), percent(s.most), signed_percent(s.bias), percent(s.spread)});
  }
  return table.text();
}

std::string verdict(const ErrorSummary& s) {
  if (s.count == 0) return "Step and load times: nothing of the kind happened: bounds MISSED.\n";
  const auto one = [](const char* name, double value, double bound) {
    return fmt::format("{} {} %, {} {} %", name, percent(value),
                       value <= bound ? "within" : "MISSES", percent(bound));
  };
  return fmt::format("Step and load times: {}; {}.\n", one("median", s.median, kMedianBound),
                     one("P90", s.p90, kP90Bound));
}

}  // namespace

bool keeps_bounds(const ErrorSummary& summary) {
  return summary.count > 0 && summary.median <= kMedianBound && summary.p90 <= kP90Bound;
}

std::string loop_text(const LoopResult& result) {
  const std::vector<ErrorSummary> errors = summarise(result.workloads);
  std::string text = header(result) + '\n' + workload_table(result) + '\n' + summary_table(errors) +
                     '\n' + verdict(errors.back());
  std::vector<std::string> disturbed;
  for (const ComparedWorkload& w : result.workloads) {
    if (w.disturbed) disturbed.push_back(fmt::format("{} ({} %)", w.name, signed_percent(w.drift)));
  }
  if (!disturbed.empty()) {
    text +=
        paragraph("disturbed    ",
                  fmt::format("the same step took longer or shorter than during calibration: {}",
                              fmt::join(disturbed, ", ")));
  }
  if (result.calibration.steps.sentinel_spread > kRestless ||
      2 * disturbed.size() > result.workloads.size()) {
    text +=
        "The machine was busy with other things: these errors tell of that, not of the "
        "simulator.\n";
  }
  return text;
}

}  // namespace terrace::calibrate
