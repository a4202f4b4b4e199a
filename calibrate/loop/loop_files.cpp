#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "calibrate/loop/loop_report.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/json.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/scatter_plot.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

Json moves_json(const MoveTimes& times) {
  Json out;
  for (const auto& [blocks, time] : times) out[std::to_string(blocks)] = seconds(time);
  return out;
}

Json calibration_json(const LoopCalibration& c) {
  return {{"took_s", seconds(c.took)},
          {"sentinel_s", seconds(c.steps.sentinel)},
          {"sentinel_spread", c.steps.sentinel_spread},
          {"seconds_by_blocks",
           {{"from_memory", moves_json(c.moves.from_memory)},
            {"to_memory", moves_json(c.moves.to_memory)},
            {"from_file", moves_json(c.moves.from_file)},
            {"to_file", moves_json(c.moves.to_file)}}}};
}

/// What did not happen has no value.
Json or_null(double value) { return value > 0 ? Json(value) : Json(); }

Json workload_json(const ComparedWorkload& w) {
  Json out = {{"name", w.name},           {"what", w.what},   {"evicts", w.evicts},
              {"disturbed", w.disturbed}, {"drift", w.drift}, {"quantities", Json::object()}};
  for (const ComparedQuantity& q : w.quantities) {
    out["quantities"][std::string(kQuantities[q.quantity].name)] = {
        {"measured", or_null(q.measured)},
        {"predicted", or_null(q.predicted)},
        {"error_percent", 100 * q.error()},
        {"runs_differ_by_percent", 100 * q.spread}};
  }
  return out;
}

Json errors_json(const std::vector<ErrorSummary>& all) {
  Json out;
  for (const ErrorSummary& s : all) {
    if (s.count == 0) continue;
    out[s.name] = {{"cases", s.count},
                   {"median_percent", 100 * s.median},
                   {"p90_percent", 100 * s.p90},
                   {"max_percent", 100 * s.most},
                   {"bias_percent", 100 * s.bias},
                   {"runs_differ_by_percent", 100 * s.spread}};
  }
  return out;
}

void fill(CsvFile& csv, const LoopResult& r) {
  for (const char* head : {"workload", "evicts", "disturbed", "quantity", "unit", "measured",
                           "predicted", "error_percent", "runs_differ_by_percent"}) {
    csv.quoted(head);
  }
  csv.end_row();
  for (const ComparedWorkload& w : r.workloads) {
    for (const ComparedQuantity& q : w.quantities) {
      const QuantityInfo& info = kQuantities[q.quantity];
      csv.text(w.name);
      csv.quoted(w.evicts ? "yes" : "no");
      csv.quoted(w.disturbed ? "yes" : "no");
      csv.quoted(info.name);
      csv.quoted(info.is_time ? "s" : info.name == "peak_blocks" ? "blocks" : "bytes");
      for (const double value : {q.measured, q.predicted}) {
        value > 0 ? csv.number(value) : csv.text("");
      }
      csv.number(100 * q.error());
      csv.number(100 * q.spread);
      csv.end_row();
    }
  }
}

std::string plot(const LoopResult& r) {
  ScatterPlot both{"Step and load times",       "measured, s", "predicted, s",
                   ScatterPlot::Line::diagonal, true,          {}};
  for (const ComparedWorkload& w : r.workloads) {
    for (const ComparedQuantity& q : w.quantities) {
      // A logarithmic axis has no zero: what happened on one side only is in the tables.
      if (!kQuantities[q.quantity].is_judged || !q.on_both_sides()) continue;
      both.points.emplace_back(q.measured, q.predicted);
    }
  }
  return scatter_svg(both);
}

}  // namespace

std::string loop_json(const LoopResult& r) {
  const std::vector<ErrorSummary> errors = summarise(r.workloads);
  const ErrorSummary& judged = errors.back();
  Json out;
  out["schema_version"] = kSchemaVersion;
  out["device"] = r.device;
  if (!r.host.empty()) out["host"] = r.host;
  out["threads"] = r.options.threads;
  out["seed"] = r.options.seed;
  out["quick"] = r.options.extent != LoopExtent::full;
  out["runs"] = r.runs;
  out["caveats"] = r.caveats;
  out["calibration"] = calibration_json(r.calibration);
  out["workloads"] = Json::array();
  for (const ComparedWorkload& w : r.workloads) out["workloads"].push_back(workload_json(w));
  out["errors"] = errors_json(errors);
  out["bounds"] = {{"median_percent", 100 * kMedianBound},
                   {"p90_percent", 100 * kP90Bound},
                   {"met", keeps_bounds(judged)}};
  return json_text(out);
}

void write_loop(const LoopResult& result, const fs::path& directory) {
  make_output_directory(directory);
  replace_csv(directory / "workloads.csv", [&](CsvFile& csv) { fill(csv, result); });
  replace_file(directory / "summary.json", loop_json(result));
  replace_file(directory / "predicted.svg", plot(result));
}

}  // namespace terrace::calibrate
