#include <array>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "sim/app/breakeven_report.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/json.hpp"
#include "sim/report/line_plot.hpp"

namespace terrace::app {
namespace {

using Json = nlohmann::ordered_json;

template <class T, class Number>
Json json_of(const AtPrices<T>& prices, Number number) {
  return {{"low", finite(number(prices.low))},
          {"typical", finite(number(prices.typical))},
          {"high", finite(number(prices.high))}};
}

double milliseconds(Duration d) { return seconds(d) * 1e3; }
double idle_seconds(Years idle) { return idle.count() * kSecondsPerYear; }

Json json_of(const BreakEvenReport& r, std::size_t prefix, std::size_t tier) {
  const PrefixLoad& load = r.answer.prefixes[prefix].loads[tier];
  Json json = {{"tier", medium_name(r.question.tiers[tier])},
               {"load_ms", milliseconds(load.load)},
               {"stall_ms", milliseconds(load.stall)},
               {"hybrid_ms", milliseconds(load.hybrid)},
               {"hybrid_computes_tokens", load.computed.count()},
               {"reuses_to_repay_write", nullptr},
               {"worth_keeping_s", nullptr}};
  if (const auto worth = r.worth(prefix, tier)) {
    json["reuses_to_repay_write"] = json_of(worth->reuses, [](double n) { return n; });
    json["worth_keeping_s"] = json_of(worth->idle, idle_seconds);
  }
  return json;
}

Json json_of_prices(const BreakEvenReport& r) {
  Json json = {{"gpu_usd_per_hour", nullptr}, {"reuses", r.reuses}};
  if (r.gpu) {
    json["gpu_usd_per_hour"] =
        json_of(r.gpu->per_hour, [](DollarsPerHour price) { return price.count(); });
    json["gpu_price_from"] = r.gpu->what;
    json["gpu_price_as_of"] = r.gpu->as_of;
  }
  json["keeping"] = Json::array();
  for (std::size_t t = 0; t < r.keeping.size(); ++t) {
    if (!r.keeping[t]) continue;
    const Keeping& k = *r.keeping[t];
    json["keeping"].push_back(
        {{"tier", medium_name(r.question.tiers[t])},
         {"wear_usd_per_token_written", json_of(k.write, [](Dollars d) { return d.count(); })},
         {"hold_usd_per_token_and_hour",
          json_of(k.hold, [](DollarsPerHour d) { return d.count(); })},
         {"as_of", k.as_of}});
  }
  return json;
}

}  // namespace

std::string breakeven_json(const BreakEvenReport& r) {
  const ServingSpec& serving = r.machine.serving;
  Json json = {{"schema_version", 1},
               {"model", r.machine.model.name},
               {"gpu", r.machine.hardware.gpu.name},
               {"gpus_per_replica", serving.gpus_per_replica()},
               {"replicas_sharing", serving.replicas},
               {"step_times", config::Scalar<CostBackend>::format(backend(r.machine))},
               {"caveats", r.answer.caveats},
               {"kv_bytes_per_token", r.answer.per_token.count()},
               {"kv_copies", r.answer.copies},
               {"block_size", serving.engine.block_size.count()},
               {"hbm_tokens", r.hbm.count()},
               {"fresh_tokens", r.question.fresh.count()},
               {"longest_prefix_looked_at", r.answer.longest.count()}};
  json["pays_from_tokens"] = Json::object();
  for (std::size_t t = 0; t < r.question.tiers.size(); ++t) {
    const auto& from = r.answer.from[t];
    json["pays_from_tokens"][medium_name(r.question.tiers[t])] =
        from ? Json(from->count()) : Json(nullptr);
  }
  json["prices"] = json_of_prices(r);
  json["prefixes"] = Json::array();
  for (std::size_t i = 0; i < r.answer.prefixes.size(); ++i) {
    const PrefixAnswer& row = r.answer.prefixes[i];
    Json entry = {{"tokens", row.prefix.count()},
                  {"bytes", row.bytes.count()},
                  {"recompute_ms", milliseconds(row.recompute)},
                  {"break_even_bytes_per_s", finite(row.needed.count())},
                  {"tiers", Json::array()}};
    for (std::size_t t = 0; t < row.loads.size(); ++t) entry["tiers"].push_back(json_of(r, i, t));
    json["prefixes"].push_back(std::move(entry));
  }
  return json_text(json);
}

void write_breakeven_csv(const BreakEvenReport& r, const std::filesystem::path& path) {
  constexpr std::array kColumns = {"prefix_tokens",
                                   "bytes",
                                   "recompute_ms",
                                   "break_even_bytes_per_s",
                                   "tier",
                                   "load_ms",
                                   "stall_ms",
                                   "hybrid_ms",
                                   "hybrid_computes_tokens",
                                   "reuses_to_repay_write",
                                   "worth_keeping_s_low",
                                   "worth_keeping_s",
                                   "worth_keeping_s_high"};
  replace_csv(path, [&](CsvFile& csv) {
    for (const char* column : kColumns) csv.quoted(column);
    csv.end_row();
    const auto number = [&](double value) {
      if (std::isfinite(value)) {
        csv.number(value);
      } else {
        csv.nothing();
      }
    };
    for (std::size_t i = 0; i < r.answer.prefixes.size(); ++i) {
      const PrefixAnswer& row = r.answer.prefixes[i];
      for (std::size_t t = 0; t < row.loads.size(); ++t) {
        csv.number(row.prefix.count());
        csv.number(row.bytes.count());
        csv.milliseconds(row.recompute);
        number(row.needed.count());
        csv.text(medium_name(r.question.tiers[t]));
        csv.milliseconds(row.loads[t].load);
        csv.milliseconds(row.loads[t].stall);
        csv.milliseconds(row.loads[t].hybrid);
        csv.number(row.loads[t].computed.count());
        const auto worth = r.worth(i, t);
        constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
        number(worth ? worth->reuses.typical : kNothing);
        number(worth ? idle_seconds(worth->idle.low) : kNothing);
        number(worth ? idle_seconds(worth->idle.typical) : kNothing);
        number(worth ? idle_seconds(worth->idle.high) : kNothing);
        csv.end_row();
      }
    }
  });
}

std::string breakeven_plot(const BreakEvenReport& r) {
  LinePlot plot;
  plot.title =
      fmt::format("{} on {} x {}: computing a prefix again, or loading it", r.machine.model.name,
                  r.machine.serving.gpus_per_replica(), r.machine.hardware.gpu.name);
  plot.x_label = "prefix, tokens";
  plot.y_label = "time, ms";
  plot.lines.push_back({"computed", {}});
  for (const Medium tier : r.question.tiers) plot.lines.push_back({medium_name(tier), {}});
  for (const PrefixAnswer& row : r.answer.prefixes) {
    const auto x = static_cast<double>(row.prefix.count());
    const auto add = [&](std::size_t line, Duration time) {
      if (time > Duration{}) plot.lines[line].points.emplace_back(x, milliseconds(time));
    };
    add(0, row.recompute);
    for (std::size_t t = 0; t < row.loads.size(); ++t) add(t + 1, row.loads[t].load);
  }
  return line_svg(plot);
}

}  // namespace terrace::app
