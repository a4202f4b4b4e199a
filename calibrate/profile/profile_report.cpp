#include "calibrate/profile/profile_report.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "calibrate/profile/covered.hpp"
#include "calibrate/profile/doubts.hpp"
#include "calibrate/profile/gpu_clocks.hpp"
#include "sim/base/text.hpp"
#include "sim/report/human.hpp"
#include "sim/report/json.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

std::string percent(double share) { return fmt::format("{:.1f}", 100 * share); }

std::string verdict(const Gate& gate) {
  if (!gate.value) return "not judged";
  return fmt::format("{} {} % {} {:g} %", gate.figure, percent(*gate.value),
                     gate.met() ? "<=" : ">", 100 * gate.limit);
}

std::string word_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// "device: ...", one line each; what is a mapping in one line.
std::string environment_text(const MeasuredRun& run) {
  std::string text;
  for (const auto& [key, value] : run.host.items()) {
    text +=
        paragraph(fmt::format("  {:<22}  ", escape_controls(key)), escape_controls(word_of(value)));
  }
  return text;
}

std::string name_of(const FamilyFit& fit) { return fmt::format("{}: {}", fit.family, fit.law); }

std::string errors_text(const MachineProfile& profile) {
  Table table({"law", "regime", "points", "median", "P90", "unseen", "bias", "gate"});
  const auto if_any = [](const std::optional<double>& share) {
    return share ? percent(*share) : std::string("-");
  };
  for (const FamilyFit& fit : profile.families) {
    bool first = true;
    for (const RegimeError& error : fit.errors) {
      const bool judged = fit.gate && fit.gate->regime == error.regime;
      table.add({first ? name_of(fit) : "", escape_controls(error.regime),
                 human::count(error.points), percent(error.median), percent(error.p90),
                 if_any(error.cv_median), fmt::format("{:+.1f}", 100 * error.bias),
                 judged ? verdict(*fit.gate) : ""});
      first = false;
    }
    if (fit.gate && !fit.gate->value && !fit.errors.empty()) {
      table.add({"", fit.gate->regime, "0", "-", "-", "-", "-", "not judged"});
    }
  }
  return table.rows() > 0 ? table.text() : "  none: no family has points enough\n";
}

/// In which unit the parameter is told: the same for its value and its interval.
struct Shown {
  double one = 1;
  std::string name;

  [[nodiscard]] std::string text(double value) const {
    return fmt::format("{:.4g}{}{}", value / one, name.empty() ? "" : " ", name);
  }
};

Shown shown_as(forms::Unit unit, double value) {
  if (unit == forms::Unit::none) return {};
  const std::string_view base = unit == forms::Unit::time        ? "s"
                                : unit == forms::Unit::bandwidth ? "B/s"
                                : unit == forms::Unit::flop_rate ? "FLOP/s"
                                                                 : "B";
  constexpr std::pair<double, std::string_view> kPrefixes[] = {
      {1e15, "P"}, {1e12, "T"}, {1e9, "G"},  {1e6, "M"},  {1e3, "k"},
      {1, ""},     {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
  for (const auto& [one, prefix] : kPrefixes) {
    if (unit == forms::Unit::time && one > 1) continue;
    if (std::abs(value) >= one) return {one, fmt::format("{}{}", prefix, base)};
  }
  return {1, std::string(base)};
}

std::string parameters_text(const MachineProfile& profile) {
  Table table({"law", "parameter", "value", "95 % from", "to"});
  for (const FamilyFit& fit : profile.families) {
    bool first = true;
    for (const LawParameter& one : fit.parameters) {
      constexpr double kFar = 1e4;  // of a value on its bound the interval alone says something
      const bool far = one.found.high > kFar * one.found.value;
      const Shown shown = shown_as(one.unit, far ? one.found.high : one.found.value);
      table.add({first ? name_of(fit) : "", one.name, shown.text(one.found.value),
                 shown.text(one.found.low), shown.text(one.found.high)});
      first = false;
    }
  }
  return table.text();
}

/// What no law is made of, and is what it is: how long threads take to wake, what reads wait
/// beside writes.
/// Where there is no machine, also what no law was found of.
bool speaks_for_itself(const MeasuredPoint& point, const MachineProfile& profile) {
  const auto its_law = [&](const FamilyFit& fit) { return fit.family == point.family; };
  if (!profile.missing.empty() &&
      std::none_of(profile.families.begin(), profile.families.end(), its_law)) {
    return true;
  }
  constexpr std::string_view kFamilies[] = {"bounce", "disk_interference", "interference", "gds",
                                            "launch"};
  return std::find(std::begin(kFamilies), std::end(kFamilies), point.family) !=
             std::end(kFamilies) ||
         (point.family == "host_memory" && point.x.value("op", "") == "latency");
}

std::string medians_text(const MeasuredRun& run, const MachineProfile& profile) {
  Table table({"point", "median", "P10", "P90", "unit"});
  for (const MeasuredPoint& point : run.points) {
    if (!speaks_for_itself(point, profile) || !point.error.empty()) continue;
    const Sample& s = point.sample;
    table.add({escape_controls(point.id), fmt::format("{:.4g}", s.median),
               fmt::format("{:.4g}", s.p10), fmt::format("{:.4g}", s.p90),
               escape_controls(point.unit)});
  }
  return table.rows() > 0 ? table.text() : "  none\n";
}

std::string covered_text(const std::vector<Covered>& families) {
  std::string text;
  for (const Covered& one : families) {
    std::string what = fmt::format("{} points", one.points);
    if (one.failed > 0) what += fmt::format(", {} failed", one.failed);
    if (one.unstable > 0) what += fmt::format(", {} unstable", one.unstable);
    if (one.drifted > 0) what += fmt::format(", {} while the machine drifted", one.drifted);
    text += paragraph(fmt::format("  {:<18}  ", escape_controls(one.family)),
                      escape_controls(fmt::format("{}; {}", what, fmt::join(one.ranges, ", "))));
  }
  return text;
}

std::string notes_text(const MachineProfile& profile) {
  std::string text;
  for (const std::string& note : profile.notes) text += paragraph("  ", escape_controls(note));
  for (const FamilyFit& fit : profile.families) {
    for (const std::string& note : fit.notes) {
      text += paragraph("  " + name_of(fit) + ": ", escape_controls(note));
    }
  }
  return text.empty() ? "  none\n" : text;
}

Json json_of(const RegimeError& error) {
  const auto if_any = [](const std::optional<double>& share) {
    return share ? Json(*share) : Json(nullptr);
  };
  return {{"regime", error.regime},
          {"points", error.points},
          {"median", error.median},
          {"p90", error.p90},
          {"max", error.max},
          {"mape", error.mape},
          {"wape", error.wape},
          {"bias", error.bias},
          {"cv_median", if_any(error.cv_median)},
          {"cv_p90", if_any(error.cv_p90)}};
}

Json json_of(const FamilyFit& fit) {
  Json json = {{"family", fit.family}, {"law", fit.law}};
  json["errors"] = Json::array();
  for (const RegimeError& error : fit.errors) json["errors"].push_back(json_of(error));
  json["gate"] = nullptr;
  if (fit.gate) {
    json["gate"] = {{"regime", fit.gate->regime},
                    {"figure", fit.gate->figure},
                    {"limit", fit.gate->limit},
                    {"value", fit.gate->value ? Json(*fit.gate->value) : Json(nullptr)},
                    {"met", fit.gate->value ? Json(fit.gate->met()) : Json(nullptr)}};
  }
  json["parameters"] = Json::array();
  for (const LawParameter& one : fit.parameters) {
    json["parameters"].push_back({{"name", one.name},
                                  {"value", finite(one.found.value)},
                                  {"low", finite(one.found.low)},
                                  {"high", finite(one.found.high)}});
  }
  json["notes"] = fit.notes;
  return json;
}

}  // namespace

std::string profile_text(const MachineProfile& profile, const MeasuredRun& run,
                         const std::string& file) {
  std::string text = paragraph(
      "", fmt::format("{}: {} points of {}, on {}", file, run.points.size(),
                      escape_controls(run.created), escape_controls(profile.machine.gpu.name)));
  text += "\nWhere\n" + environment_text(run);
  if (const std::string gpu = gpu_clocks_text(run.sentinels); !gpu.empty()) {
    text += paragraph("  ", gpu);
  }
  text += "\nKernels of the device, compared with a reference in fp64 before they were timed\n" +
          proofs_text(run);
  text += "\nWhat was measured; beyond it, laws are extrapolated\n" + covered_text(covered(run));
  text +=
      "\nLaws beside points: |predicted / measured - 1| in %; unseen: by laws of other points\n";
  text += errors_text(profile);
  text += "\nTheir parameters\n" + parameters_text(profile);
  text += "\nWhat no law is made of\n" + medians_text(run, profile);
  text += "\nUnstable and failed points\n" + doubtful_text(run);
  return text + "\nNotes\n" + notes_text(profile);
}

std::string profile_json(const MachineProfile& profile, const MeasuredRun& run,
                         const std::string& file) {
  Json json = {{"schema_version", kSchemaVersion}, {"file", file},
               {"created", run.created},           {"device", profile.machine.gpu.name},
               {"environment", run.host},          {"tool", run.tool}};
  json["checks"] = Json::array();
  for (const KernelFinding& one : run.findings) json["checks"].push_back(calibrate::json_of(one));
  json["covered"] = Json::array();
  for (const Covered& one : covered(run)) {
    json["covered"].push_back({{"family", one.family},
                               {"points", one.points},
                               {"failed", one.failed},
                               {"unstable", one.unstable},
                               {"drifted", one.drifted},
                               {"ranges", one.ranges}});
  }
  json["laws"] = Json::array();
  for (const FamilyFit& fit : profile.families) json["laws"].push_back(json_of(fit));
  json["medians"] = Json::array();
  for (const MeasuredPoint& point : run.points) {
    if (!speaks_for_itself(point, profile) || !point.error.empty()) continue;
    json["medians"].push_back(
        {{"id", point.id}, {"median", finite(point.sample.median)}, {"unit", point.unit}});
  }
  json["unstable"] = Json::array();
  json["failed"] = Json::array();
  for (const MeasuredPoint& point : run.points) {
    if (!point.error.empty()) {
      json["failed"].push_back({{"id", point.id}, {"why", point.error}});
    } else if (!point.sample.stable) {
      json["unstable"].push_back(point.id);
    }
  }
  json["notes"] = profile.notes;
  return json_text(json);
}

}  // namespace terrace::calibrate
