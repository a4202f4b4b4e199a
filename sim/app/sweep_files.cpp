#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/app/sweep_report.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/json.hpp"
#include "sim/study/sweep/analysis.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void add_cells(CsvFile& file, const SweepPlan& plan, std::size_t arm) {
  file.number(static_cast<std::int64_t>(arm + 1));
  for (const SweepColumn& column : plan.columns) {
    file.text(column.cells[plan.arms[arm].choice[column.axis]]);
  }
}

void add_headings(CsvFile& file, const SweepPlan& plan) {
  file.quoted("arm");
  for (const SweepColumn& column : plan.columns) file.text(column.heading);
}

void add_number(CsvFile& file, const std::optional<double>& value) {
  if (value) {
    file.number(*value);
  } else {
    file.nothing();
  }
}

void fill_runs(CsvFile& file, const SweepReport& report) {
  const SweepPlan& plan = report.plan;
  add_headings(file, plan);
  for (const char* heading : {"seed", "status", "error"}) file.quoted(heading);
  for (const std::size_t metric : plan.reported) file.text(column_of(plan.known[metric]));
  file.end_row();
  for (std::size_t run = 0; run < plan.runs(); ++run) {
    const RunResult& result = *report.results.runs[run];
    add_cells(file, plan, run / plan.seeds.size());
    file.number(plan.seeds[run % plan.seeds.size()]);
    file.quoted(name_of(result.status));
    file.text(result.error);
    for (const std::size_t metric : plan.reported) {
      add_number(file, result.values.empty() ? std::nullopt : result.values[metric]);
    }
    file.end_row();
  }
}

void fill_arms(CsvFile& file, const SweepReport& report) {
  const SweepPlan& plan = report.plan;
  const SweepAnalysis analysis(plan, report.results);
  add_headings(file, plan);
  for (const char* heading : {"metric", "unit", "n", "mean", "ci95_half_width"}) {
    file.quoted(heading);
  }
  file.end_row();
  for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
    for (const std::size_t metric : plan.reported) {
      const auto estimate = analysis.estimate(arm, metric);
      add_cells(file, plan, arm);
      file.text(plan.known[metric].name);
      file.quoted(suffix_of(plan.known[metric].unit));
      file.number(static_cast<std::int64_t>(estimate ? estimate->n : 0));
      add_number(file, estimate ? std::optional(estimate->mean) : std::nullopt);
      add_number(file, estimate ? estimate->half_width : std::nullopt);
      file.end_row();
    }
  }
}

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json estimate_json(const MeanEstimate& estimate) {
  Json out;
  out["n"] = estimate.n;
  out["mean"] = estimate.mean;
  out["ci95_half_width"] = number(estimate.half_width);
  return out;
}

const char* name_of(Standing standing) {
  switch (standing) {
    case Standing::best:
      return "best";
    case Standing::tied:
      return "not_distinguishable_from_best";
    case Standing::behind:
      return "behind";
    case Standing::unknown:
      break;
  }
  return "unknown";
}

const char* name_of(Better better) {
  return better == Better::lower ? "lower" : better == Better::higher ? "higher" : "neither";
}

Json arms_json(const SweepPlan& plan, const SweepAnalysis& analysis) {
  Json arms = Json::array();
  for (std::size_t i = 0; i < plan.arms.size(); ++i) {
    Json arm;
    arm["arm"] = i + 1;
    for (std::size_t c = 0; c < plan.columns.size(); ++c) {
      arm["values"][plan.columns[c].path] = plan.label(plan.arms[i], c);
    }
    arm["failed"] = analysis.failed(i);
    Json& metrics = arm["metrics"] = Json::object();
    for (const std::size_t metric : plan.reported) {
      const auto estimate = analysis.estimate(i, metric);
      metrics[plan.known[metric].name] = estimate ? estimate_json(*estimate) : Json(nullptr);
    }
    arms.push_back(std::move(arm));
  }
  return arms;
}

Json comparison_json(const SweepReport& report, const SweepAnalysis& analysis) {
  Json out;
  out["base"] = *report.base + 1;
  Json& all = out["differences"] = Json::array();
  for (const Comparison& c : analysis.compare(*report.base, report.plan.reported)) {
    Json one = {{"arm", c.arm + 1}, {"metric", report.plan.known[c.metric].name}};
    one.update(estimate_json(c.difference));
    one["base_mean"] = c.base.mean;
    one["relative"] = number(c.relative);
    all.push_back(std::move(one));
  }
  return out;
}

}  // namespace

void write_sweep_csv(const SweepReport& report, const fs::path& directory) {
  replace_csv(directory / "runs.csv", [&](CsvFile& file) { fill_runs(file, report); });
  replace_csv(directory / "arms.csv", [&](CsvFile& file) { fill_arms(file, report); });
}

std::string sweep_json(const SweepReport& report) {
  const SweepPlan& plan = report.plan;
  const SweepAnalysis analysis(plan, report.results);
  Json out;
  out["schema_version"] = 1;
  out["sweep"] = plan.name;
  out["runs"] = plan.runs();
  out["failed"] = report.results.progress.failed;
  out["seeds"] = plan.seeds;
  Json& metrics = out["metrics"] = Json::object();
  for (const std::size_t metric : plan.reported) {
    const Metric& m = plan.known[metric];
    metrics[m.name] = {{"unit", suffix_of(m.unit)}, {"better", name_of(m.better)}};
  }
  out["arms"] = arms_json(plan, analysis);
  if (plan.rank_by) {
    out["rank_by"] = plan.known[*plan.rank_by].name;
    Json& ranking = out["ranking"] = Json::array();
    for (const RankedArm& arm : analysis.ranking(*plan.rank_by)) {
      ranking.push_back({{"arm", arm.arm + 1}, {"standing", name_of(arm.standing)}});
    }
  }
  if (!plan.pareto.empty()) {
    Json& front = out["pareto"] = Json::array();
    for (const std::size_t arm : analysis.pareto(plan.pareto)) front.push_back(arm + 1);
  }
  if (report.base) out["comparison"] = comparison_json(report, analysis);
  Json& failures = out["failures"] = Json::array();
  for (const auto& [error, count] : analysis.failures()) {
    failures.push_back({{"error", error}, {"runs", count}});
  }
  return json_text(out);
}

}  // namespace terrace::app
