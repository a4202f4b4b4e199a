#include "sim/app/validate_report.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "sim/report/header.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

constexpr std::array<const char*, kLatencies.size()> kHeads = {"TTFT", "TPOT", "E2E"};

std::string time_of_ms(double ms) { return human::time(ms * 1e-3); }
/// "+1.2": a sign only where there is something to sign.
std::string percent(double ratio) {
  const std::string text = fmt::format("{:+.1f}", 100 * ratio);
  return text == "+0.0" || text == "-0.0" ? "0.0" : text;
}

std::string plain_percent(double ratio) { return fmt::format("{:.1f}", 100 * ratio); }

std::string header(const ValidationReport& r) {
  const Validation& v = r.validation;
  ReportHeader header = make_header(v.scenario, r.dimensions);
  header.scenario = v.name;
  std::erase_if(header.lines, [](const auto& line) { return line.key == "load"; });
  const Duration last = v.measured.requests.back().arrival;
  std::string measured =
      fmt::format("{} requests in {}, {} ({})",
                  human::count(static_cast<std::int64_t>(r.comparison.requests.size())),
                  human::time(seconds(last)), v.measured_path,
                  config::Scalar<MeasuredFormat>::format(v.measured.format));
  if (v.measured.failed > 0) {
    measured += fmt::format("; {} that failed are left out", human::count(v.measured.failed));
  }
  header.lines.push_back({"measured", std::move(measured)});
  if (!v.estimated_on.empty()) header.lines.push_back({"estimated on", v.estimated_on});
  if (!v.notes.empty()) header.lines.push_back({"notes", v.notes});
  if (!v.attribution.empty()) header.lines.push_back({"data", v.attribution});
  return header_text(header);
}

std::string latency_text(const Comparison& c) {
  Table table({"Latency", "mean", "p50", "p90", "p99", "MAPE %", "bias %"});
  for (std::size_t i = 0; i < kLatencies.size(); ++i) {
    const auto& e = c.all[i];
    if (!e) {
      table.add({fmt::format("{} not measured", kHeads[i]), "-", "-", "-", "-", "-", "-"});
      continue;
    }
    const std::array figures = {&e->mean_ms, &e->p50_ms, &e->p90_ms, &e->p99_ms};
    std::vector<std::string> measured = {fmt::format("{} measured", kHeads[i])};
    std::vector<std::string> predicted = {"     predicted"};
    std::vector<std::string> error = {"     error %"};
    for (const Figure* figure : figures) {
      measured.push_back(time_of_ms(figure->measured));
      predicted.push_back(time_of_ms(figure->predicted));
      error.push_back(percent(figure->error()));
    }
    for (auto* row : {&measured, &predicted}) row->insert(row->end(), {"", ""});
    error.insert(error.end(), {plain_percent(e->mape), percent(e->bias)});
    for (auto* row : {&measured, &predicted, &error}) table.add(std::move(*row));
  }
  return table.text() + "MAPE, bias: mean of each request's error, without and with its sign\n";
}

std::string run_text(const RunFigures& run) {
  Table table({"Run", "measured", "predicted", "error %"});
  table.add({"makespan", human::time(run.makespan_s.measured),
             human::time(run.makespan_s.predicted), percent(run.makespan_s.error())});
  const auto add_rate = [&](const char* name, const Figure& figure) {
    table.add({name, human::rate(figure.measured), human::rate(figure.predicted),
               percent(figure.error())});
  };
  add_rate("requests per second", run.requests_per_s);
  add_rate("output tokens per second", run.output_tokens_per_s);
  return table.text();
}

std::string regime_text(const Comparison& c) {
  std::vector<std::string> heads = {"Error of means, %", "requests"};
  for (const char* head : kHeads) heads.insert(heads.end(), {head, "MAPE", "bias"});
  Table table(std::move(heads));
  for (const Regime& regime : c.regimes) {
    std::vector<std::string> cells = {regime.name,
                                      human::count(static_cast<std::int64_t>(regime.requests))};
    for (const auto& e : regime.errors) {
      if (e) {
        cells.insert(cells.end(),
                     {percent(e->mean_ms.error()), plain_percent(e->mape), percent(e->bias)});
      } else {
        cells.insert(cells.end(), {"-", "-", "-"});
      }
    }
    table.add(std::move(cells));
  }
  return table.text() +
         fmt::format("load: requests in the measured engine at arrival, over its {} seats\n",
                     human::count(c.seats));
}

std::string quarter_text(const Comparison& c) {
  Table table({"TTFT by arrival", "requests", "measured", "predicted", "error %", "of residual %"});
  for (const Quarter& q : c.quarters) {
    table.add({fmt::format("{} to {}", human::time(seconds(q.from)), human::time(seconds(q.to))),
               human::count(static_cast<std::int64_t>(q.requests)), time_of_ms(q.ttft_ms.measured),
               time_of_ms(q.ttft_ms.predicted), percent(q.ttft_ms.error()),
               plain_percent(q.share)});
  }
  const auto most =
      std::max_element(c.quarters.begin(), c.quarters.end(),
                       [](const Quarter& a, const Quarter& b) { return a.share < b.share; });
  if (!(most->share > 0)) return table.text() + "There is no residual.\n";
  return table.text() +
         fmt::format("{:.0f} % of what TTFTs are wrong by belongs to arrivals from {} to {}.\n",
                     100 * most->share, human::time(seconds(most->from)),
                     human::time(seconds(most->to)));
}

std::string worst_text(const Comparison& c) {
  const auto by = static_cast<std::size_t>(c.worst_by);
  Table table({fmt::format("Worst {}", kHeads[by]), "arrival", "input", "output", "load",
               "measured", "predicted", "error %"});
  for (const std::size_t i : c.worst) {
    const ComparedRequest& r = c.requests[i];
    const Figure figure = *r.latency_ms(c.worst_by);
    table.add({"request " + r.measured.name, human::time(seconds(r.measured.arrival)),
               human::count(r.measured.input.count()), human::count(r.measured.output.count()),
               r.load ? fmt::format("{:.2f}", *r.load) : "-", time_of_ms(figure.measured),
               time_of_ms(figure.predicted), percent(figure.error())});
  }
  return table.text();
}

std::string bounds_text(const ValidationReport& r) {
  Table table({"Bound", "error %", "at most %", ""});
  for (const JudgedBound& b : r.bounds) {
    table.add({b.bound.name, fmt::format("{:+.2f}", 100 * b.error),
               fmt::format("{:g}", 100 * b.bound.limit), b.met ? "met" : "MISSED"});
  }
  return table.text();
}

}  // namespace

std::string validation_text(const ValidationReport& report) {
  const Comparison& c = report.comparison;
  std::vector<std::string> sections = {header(report), latency_text(c)};
  if (c.rejected > 0) {
    sections.push_back(paragraph(
        "", fmt::format("The simulator rejects {} of {} requests, which are compared with nothing: "
                        "does the scenario have the engine's max_model_len and memory?",
                        c.rejected, c.requests.size())));
  }
  if (c.run) sections.push_back(run_text(*c.run));
  sections.push_back(regime_text(c));
  if (!c.quarters.empty()) sections.push_back(quarter_text(c));
  if (!c.worst.empty()) sections.push_back(worst_text(c));
  if (!report.bounds.empty()) sections.push_back(bounds_text(report));
  std::string text;
  for (const std::string& section : sections) text += (text.empty() ? "" : "\n") + section;
  return text;
}

}  // namespace terrace::app
