#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/app/validate_report.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/json.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/scatter_plot.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

Json text(const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); }

/// "measured_ms", "predicted_ms", "error_percent"
Json figure_json(const Figure& figure, const char* unit) {
  Json out;
  out[fmt::format("measured{}", unit)] = figure.measured;
  out[fmt::format("predicted{}", unit)] = figure.predicted;
  out["error_percent"] = 100 * figure.error();
  return out;
}

Json latency_json(const std::optional<LatencyErrors>& e) {
  if (!e) return nullptr;
  Json out;
  out["requests"] = e->requests;
  out["mean"] = figure_json(e->mean_ms, "_ms");
  out["p50"] = figure_json(e->p50_ms, "_ms");
  out["p90"] = figure_json(e->p90_ms, "_ms");
  out["p99"] = figure_json(e->p99_ms, "_ms");
  out["mape_percent"] = 100 * e->mape;
  out["bias_percent"] = 100 * e->bias;
  return out;
}

Json latencies_json(const ErrorsByLatency& errors) {
  Json out;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    out[std::string(kLatencyNames[i])] = latency_json(errors[i]);
  }
  return out;
}

Json run_json(const std::optional<RunFigures>& run) {
  if (!run) return nullptr;
  Json out;
  out["makespan"] = figure_json(run->makespan_s, "_s");
  out["requests_per_s"] = figure_json(run->requests_per_s, "");
  out["output_tokens_per_s"] = figure_json(run->output_tokens_per_s, "");
  return out;
}

Json regimes_json(const Comparison& c) {
  Json all = Json::array();
  for (const Regime& regime : c.regimes) {
    Json one = {{"name", regime.name}, {"requests", regime.requests}};
    one.update(latencies_json(regime.errors));
    all.push_back(std::move(one));
  }
  return all;
}

Json quarters_json(const Comparison& c) {
  Json all = Json::array();
  for (const Quarter& q : c.quarters) {
    all.push_back({{"from_s", seconds(q.from)},
                   {"to_s", seconds(q.to)},
                   {"requests", q.requests},
                   {"ttft", figure_json(q.ttft_ms, "_ms")},
                   {"residual_percent", 100 * q.share}});
  }
  return all;
}

Json worst_json(const Comparison& c) {
  Json all = Json::array();
  for (const std::size_t i : c.worst) {
    const ComparedRequest& r = c.requests[i];
    Json one = {{"request", r.measured.name},
                {"arrival_s", seconds(r.measured.arrival)},
                {"latency", kLatencyNames[static_cast<std::size_t>(c.worst_by)]}};
    one.update(figure_json(*r.latency_ms(c.worst_by), "_ms"));
    all.push_back(std::move(one));
  }
  return all;
}

Json bounds_json(const ValidationReport& report) {
  Json all = Json::array();
  for (const JudgedBound& b : report.bounds) {
    all.push_back({{"error", b.bound.name},
                   {"error_percent", 100 * b.error},
                   {"limit_percent", 100 * b.bound.limit},
                   {"met", b.met}});
  }
  return all;
}

void add_number(CsvFile& file, const std::optional<double>& value) {
  if (value) {
    file.number(*value);
  } else {
    file.nothing();
  }
}

void add_time(CsvFile& file, const std::optional<Duration>& value) {
  if (value) {
    file.milliseconds(*value);
  } else {
    file.nothing();
  }
}

void fill_requests(CsvFile& file, const Comparison& c) {
  for (const char* head :
       {"request", "arrival_s", "input_tokens", "output_tokens", "shared_prefix_tokens", "load"}) {
    file.quoted(head);
  }
  for (const std::string_view name : kLatencyNames) {
    file.quoted(fmt::format("{}_ms", name));
    file.quoted(fmt::format("predicted_{}_ms", name));
    file.quoted(fmt::format("{}_error_percent", name));
  }
  file.end_row();
  for (const ComparedRequest& r : c.requests) {
    const MeasuredRequest& m = r.measured;
    file.text(m.name);
    file.seconds(m.arrival);
    for (const Tokens tokens : {m.input, m.output, m.shared_prefix}) file.number(tokens.count());
    add_number(file, r.load);
    const auto& p = r.predicted;
    const std::array<std::pair<std::optional<Duration>, std::optional<Duration>>, 3> times = {
        {{m.ttft, p ? std::optional(p->ttft) : std::nullopt},
         {m.tpot, p ? p->tpot : std::nullopt},
         {m.e2e, p ? std::optional(p->e2e) : std::nullopt}}};
    for (std::size_t i = 0; i < kLatencies.size(); ++i) {
      add_time(file, times[i].first);
      add_time(file, times[i].second);
      const auto figure = r.latency_ms(kLatencies[i]);
      add_number(file, figure ? std::optional(100 * figure->error()) : std::nullopt);
    }
    file.end_row();
  }
}

void write_plots(const ValidationReport& report, const fs::path& directory) {
  ScatterPlot both{report.validation.name + ": TTFT", "measured, s", "predicted, s",
                   ScatterPlot::Line::diagonal,       true,          {}};
  ScatterPlot error{report.validation.name + ": error of TTFT",
                    "arrival, s",
                    "predicted - measured, s",
                    ScatterPlot::Line::level,
                    false,
                    {}};
  for (const ComparedRequest& r : report.comparison.requests) {
    const auto figure = r.latency_ms(Latency::ttft);
    if (!figure) continue;
    both.points.emplace_back(figure->measured * 1e-3, figure->predicted * 1e-3);
    error.points.emplace_back(seconds(r.measured.arrival),
                              (figure->predicted - figure->measured) * 1e-3);
  }
  replace_file(directory / "ttft.svg", scatter_svg(both));
  replace_file(directory / "ttft_error.svg", scatter_svg(error));
}

}  // namespace

std::string validation_json(const ValidationReport& report) {
  const Validation& v = report.validation;
  const Comparison& c = report.comparison;
  Json out;
  out["schema_version"] = kSchemaVersion;
  out["validation"] = v.name;
  out["scenario"] = v.scenario.name;
  out["model"] = v.scenario.model.name;
  out["gpu"] = v.scenario.hardware.gpu.name;
  out["notes"] = text(v.notes);
  out["attribution"] = text(v.attribution);
  out["estimated_on"] = text(v.estimated_on);
  out["measured"] = {{"path", v.measured_path},
                     {"format", config::Scalar<MeasuredFormat>::format(v.measured.format)},
                     {"requests", c.requests.size()},
                     {"failed", v.measured.failed}};
  out["rejected"] = c.rejected;
  out["seats"] = c.seats;
  out.update(latencies_json(c.all));
  out["run"] = run_json(c.run);
  out["regimes"] = regimes_json(c);
  out["quarters"] = quarters_json(c);
  out["worst"] = worst_json(c);
  out["bounds"] = bounds_json(report);
  return json_text(out);
}

void write_validation_csv(const ValidationReport& report, const fs::path& path) {
  replace_file(path, [&](const fs::path& part) {
    CsvFile file(part);
    fill_requests(file, report.comparison);
    file.close();
  });
}

void write_validation(const ValidationReport& report, const fs::path& directory) {
  make_output_directory(directory);
  write_validation_csv(report, directory / "requests.csv");
  replace_file(directory / "summary.json", validation_json(report));
  if (report.comparison.all[0]) write_plots(report, directory);
}

}  // namespace terrace::app
