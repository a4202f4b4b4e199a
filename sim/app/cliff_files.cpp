#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/app/cliff_report.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/json.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/scatter_plot.hpp"

namespace terrace::app {
namespace {

using nlohmann::ordered_json;

constexpr double kFarApart = 10;  // for a plot: the largest over the smallest

ordered_json json_of(const CliffPoint& point, const std::vector<SloBound>& bounds) {
  ordered_json json;
  json["value"] = point.value;
  json["text"] = point.text;
  json["holds"] = point.holds();
  json["starts"] = point.trial.has_value();
  if (!point.trial) {
    json["why_not"] = point.why_not;
    return json;
  }
  const Trial& trial = *point.trial;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const Judged& j = trial.judged[i];
    json["figures"][bounds[i].name()] = {
        {"value_s", j.value ? ordered_json(seconds(*j.value)) : ordered_json()}, {"met", j.met}};
  }
  json["keeps_up"] = trial.keeps_up;
  json["rejected"] = trial.summary.all.rejected;
  json["concurrency"] = trial.concurrency;
  json["offered_per_s"] = trial.offered.count();
  json["served_per_s"] = trial.served.count();
  json["limit"] = trial.summary.verdict.limit;
  json["verdict"] = trial.summary.verdict.sentence;
  return json;
}

void fill_cliff(CsvFile& csv, const CliffReport& r) {
  csv.text(r.knob);
  csv.text("value");
  csv.text("holds");
  for (const SloBound& bound : r.bounds) csv.text(bound.name() + "_s");
  for (const char* head : {"keeps_up", "rejected", "concurrency", "offered_per_s", "limit"}) {
    csv.text(head);
  }
  csv.end_row();
  for (const CliffPoint& point : r.cliff.points) {
    csv.text(point.text);
    csv.number(point.value);
    csv.text(point.holds() ? "yes" : "no");
    for (std::size_t i = 0; i < r.bounds.size(); ++i) {
      if (point.trial && point.trial->judged[i].value) {
        csv.seconds(*point.trial->judged[i].value);
      } else {
        csv.nothing();
      }
    }
    if (point.trial) {
      csv.text(point.trial->keeps_up ? "yes" : "no");
      csv.number(point.trial->summary.all.rejected);
      csv.number(point.trial->concurrency);
      csv.number(point.trial->offered.count());
      csv.text(point.trial->summary.verdict.limit);
    } else {
      for (int i = 0; i < 4; ++i) csv.nothing();
      csv.text("cannot start");
    }
    csv.end_row();
  }
}

}  // namespace

std::string cliff_json(const CliffReport& r) {
  ordered_json json;
  json["scenario"] = r.scenario.name;
  json["knob"] = r.knob;
  json["seed"] = r.scenario.seed;
  json["breaks"] = ordered_json::array();
  for (const Break& b : r.cliff.breaks) {
    const CliffPoint& bad = r.cliff.points[b.bad];
    json["breaks"].push_back(
        {{"holds_at", r.cliff.points[b.good].value},
         {"breaks_at", bad.value},
         {"as_it", b.bad > b.good ? "grows" : "falls"},
         {"limit", bad.trial ? ordered_json(bad.trial->summary.verdict.limit) : ordered_json()}});
  }
  for (const CliffPoint& point : r.cliff.points) {
    json["points"].push_back(json_of(point, r.bounds));
  }
  return json_text(json);
}

void write_cliff_csv(const CliffReport& r, const std::string& path) {
  replace_csv(path, [&](CsvFile& csv) { fill_cliff(csv, r); });
}

void write_cliff_plot(const CliffReport& r, const std::string& path) {
  ScatterPlot plot;
  plot.title = r.scenario.name + ": " + r.bounds.front().name() + " against " + r.knob;
  plot.x_label = r.knob;
  plot.y_label = r.bounds.front().name() + ", s";
  for (const CliffPoint& point : r.cliff.points) {
    if (point.trial && point.trial->judged.front().value) {
      plot.points.emplace_back(point.value, seconds(*point.trial->judged.front().value));
    }
  }
  if (plot.points.empty()) {
    throw UsageError("--plot: no point has a " + r.bounds.front().name());
  }
  const Duration limit = r.bounds.front().limit;
  if (limit != Duration::max()) {
    plot.line = ScatterPlot::Line::level;
    plot.level = seconds(limit);
  }
  double least = plot.points.front().second;
  double most = least;
  bool positive = true;
  for (const auto& [x, y] : plot.points) {
    least = std::min(least, y);
    most = std::max(most, y);
    positive = positive && x > 0 && y > 0;
  }
  plot.logarithmic = positive && most > kFarApart * least;
  replace_file(path, scatter_svg(plot));
}

}  // namespace terrace::app
