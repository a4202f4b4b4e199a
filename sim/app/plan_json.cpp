#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "sim/app/plan_report.hpp"
#include "sim/app/plan_words.hpp"
#include "sim/report/json.hpp"

namespace terrace::app {
namespace {

using Json = nlohmann::ordered_json;

/// A number, or null for what is none or has no end.
Json number(std::optional<double> value) { return value ? finite(*value) : Json(nullptr); }

Json nodes_json(const std::optional<std::int64_t>& nodes) {
  return nodes ? Json(*nodes) : Json(nullptr);
}

Json range(double low, double typical, double high) {
  return {{"low", low}, {"typical", typical}, {"high", high}};
}

Json performance_json(const Plan& plan, const Performance& p) {
  Json out;
  for (std::size_t b = 0; b < plan.bounds.size(); ++b) {
    out["slo"][plan.bounds[b].name()] = {
        {"ms", p.slo[b] ? Json(seconds(*p.slo[b]) * 1e3) : Json(nullptr)},
        {"limit_ms", seconds(plan.bounds[b].limit) * 1e3}};
  }
  out["requests_per_s"] = p.requests_per_second;
  out["prompt_tokens_per_s"] = p.prompt_tokens_per_second;
  out["cached_tokens_per_s"] = p.cached_tokens_per_second;
  out["output_tokens_per_s"] = p.output_tokens_per_second;
  out["prefill_share"] = p.prefill_share;
  out["prefix_hit_ratio"] = p.prefix_hit_ratio;
  out["gpu_busy_ratio"] = p.use.gpu_busy;
  out["used_ratio"] = {{"hbm", p.used.hbm},
                       {"host_links", p.used.host_links},
                       {"dram", p.used.dram},
                       {"drives", p.used.drives},
                       {"network", p.used.network}};
  out["drive_writes_bytes_per_s"] = p.use.drive_writes.count();
  out["drives_needed"] = {{"capacity", p.drives.by_capacity},
                          {"bandwidth", p.drives.by_bandwidth},
                          {"endurance", p.drives.by_endurance},
                          {"binding", std::string(p.drives.binding())}};
  out["limit"] = p.limit;
  out["turnovers"] = p.turnovers;
  return out;
}

Json candidate_json(const PlanReport& report, std::size_t index) {
  const Plan& plan = report.plan;
  const Candidate& c = plan.candidates[index];
  const Evaluation& e = *report.results.evaluations[index];
  const HardwareSpec& hardware = c.scenario.hardware;
  Json out;
  out["candidate"] = index + 1;
  out["name"] = c.name;
  out["machine"] = plan.spec.machines[c.machine].name;
  out["gpu"] = hardware.gpu.name;
  out["gpus"] = plan.spec.machines[c.machine].gpus;
  out["tensor_parallel"] = c.tensor_parallel;
  out["dram_bytes"] = c.dram.count();
  out["ssd"] = c.drives > 0 ? Json(hardware.ssd->name) : Json(nullptr);
  out["drives"] = c.drives;
  out["obstacle"] = name_of(e.obstacle);
  out["why"] = e.why;
  out["least_nodes"] = e.prospect.least_nodes;
  out["most_nodes"] = e.prospect.most_nodes;
  out["nodes_needed"] = nodes_json(e.nodes);
  out["runs"] = e.runs;
  out["performance"] = e.performance ? performance_json(plan, *e.performance) : Json(nullptr);
  return out;
}

Json offer_json(const PlanReport& report, const Offer& o) {
  Json out;
  out["candidate"] = o.candidate + 1;
  out["name"] = report.plan.candidates[o.candidate].name;
  out["nodes"] = o.nodes;
  out["purchase_usd"] =
      range(o.low.purchase.count(), o.typical.purchase.count(), o.high.purchase.count());
  out["usd_per_h"] =
      range(o.low.per_hour.count(), o.typical.per_hour.count(), o.high.per_hour.count());
  for (const Bill::Line& line : o.typical.lines) {
    out["bill"].push_back({{"part", std::string(name_of(line.part))},
                           {"purchase_usd", line.purchase.count()},
                           {"usd_per_h", line.per_hour.count()},
                           {"source", line.source}});
  }
  out["usd_per_m_tokens"] = {{"prompt", o.tokens.prompt.count()},
                             {"cached", o.tokens.cached.count()},
                             {"output", o.tokens.output.count()}};
  out["slo_used_ratio"] = o.slo_used;
  out["mean_power_w"] = o.typical.mean_power.count();
  out["most_power_w"] = o.typical.most_power.count();
  out["rack_units"] = o.typical.rack_units;
  const auto& life = o.typical.drive_life;
  out["drive_life_years"] = number(life ? std::optional(life->count()) : std::nullopt);
  out["joules_per_output_token"] = o.joules_per_output_token;
  out["on_front"] = o.on_front;
  out["wins_ratio"] = o.wins;
  return out;
}

Json end_json(const std::optional<Outlook::End>& end) {
  if (!end) return nullptr;
  return {{"nodes", nodes_json(end->nodes)},
          {"usd_per_h", end->nodes ? Json(end->per_hour.count()) : Json(nullptr)}};
}

Json outlooks_json(const PlanReport& report) {
  const Outlooks& all = report.outlooks;
  const auto rank = [&](const std::optional<std::size_t>& cheapest) {
    return cheapest ? Json(all.offers[*cheapest].offer + 1) : Json(nullptr);
  };
  Json out;
  out["cheapest_if_quick"] = rank(all.cheapest_if_quick);
  out["cheapest_if_slow"] = rank(all.cheapest_if_slow);
  Json& offers = out["offers"] = Json::array();
  for (const Outlook& outlook : all.offers) {
    Json one = {{"rank", outlook.offer + 1}, {"nodes_by_year", Json::array()}};
    for (const auto& nodes : outlook.by_year) one["nodes_by_year"].push_back(nodes_json(nodes));
    one["quick"] = end_json(outlook.quick);
    one["slow"] = end_json(outlook.slow);
    offers.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::string plan_json(const PlanReport& report) {
  const Plan& plan = report.plan;
  Json out;
  out["schema_version"] = 1;
  out["plan"] = plan.name;
  out["load"] = plan.load_after(plan.spec.demand.horizon);
  out["spare_nodes"] = plan.spec.limits.spare_nodes;
  out["draws"] = report.choice.draws;
  Json& offers = out["offers"] = Json::array();
  for (const Offer& offer : report.choice.offers) offers.push_back(offer_json(report, offer));
  out["outlook"] = outlooks_json(report);
  if (report.choice.offers.empty()) {
    out["nearest_miss"] = nearest_miss(report.results) + 1;
  }
  Json& candidates = out["candidates"] = Json::array();
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    candidates.push_back(candidate_json(report, i));
  }
  out["grounds"] = grounds_of(plan);
  return json_text(out);
}

}  // namespace terrace::app
