#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "sim/app/plan_report.hpp"
#include "sim/app/plan_words.hpp"
#include "sim/report/csv.hpp"

namespace terrace::app {
namespace {

void head(CsvFile& file, std::initializer_list<const char*> names) {
  for (const char* name : names) file.quoted(name);
}

void numbers(CsvFile& file, std::initializer_list<double> values) {
  for (const double value : values) file.number(value);
}

void candidate_cells(CsvFile& file, const Plan& plan, std::size_t index) {
  const Candidate& c = plan.candidates[index];
  const HardwareSpec& hardware = c.scenario.hardware;
  file.number(static_cast<std::int64_t>(index + 1));
  file.text(c.name);
  file.text(plan.spec.machines[c.machine].name);
  file.text(hardware.gpu.name);
  file.number(plan.spec.machines[c.machine].gpus);
  file.number(c.tensor_parallel);
  file.number(c.dram.count());
  file.text(c.drives > 0 ? hardware.ssd->name : "");
  file.number(c.drives > 0 ? hardware.ssd->capacity.count() : 0);
  file.number(c.drives);
}

void performance_cells(CsvFile& file, const Plan& plan, const Performance& p) {
  for (std::size_t b = 0; b < plan.bounds.size(); ++b) {
    if (p.slo[b]) {
      file.milliseconds(*p.slo[b]);
    } else {
      file.nothing();
    }
  }
  numbers(file, {p.requests_per_second, p.prompt_tokens_per_second, p.cached_tokens_per_second,
                 p.output_tokens_per_second, p.prefill_share, p.prefix_hit_ratio, p.use.gpu_busy,
                 p.used.hbm, p.used.host_links, p.used.dram, p.used.drives, p.used.network,
                 p.use.drive_writes.count()});
  file.number(p.drives.by_capacity);
  file.number(p.drives.by_bandwidth);
  file.number(p.drives.by_endurance);
  file.text(p.limit);
}

constexpr std::size_t kPerformanceCells = 17;  // besides one for each bound

void fill_candidates(CsvFile& file, const PlanReport& report) {
  const Plan& plan = report.plan;
  head(file, {"candidate", "name", "machine", "gpu", "gpus", "tensor_parallel", "dram_bytes", "ssd",
              "drive_bytes", "drives", "obstacle", "why", "least_nodes", "most_nodes",
              "nodes_needed", "runs"});
  for (const SloBound& bound : plan.bounds) file.text(bound.name() + "_ms");
  head(file, {"requests_per_s", "prompt_tokens_per_s", "cached_tokens_per_s", "output_tokens_per_s",
              "prefill_share", "prefix_hit_ratio", "gpu_busy_ratio", "hbm_used_ratio",
              "host_links_used_ratio", "dram_used_ratio", "drives_used_ratio", "network_used_ratio",
              "drive_writes_bytes_per_s", "drives_by_capacity", "drives_by_bandwidth",
              "drives_by_endurance", "limit"});
  file.end_row();
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    const Evaluation& e = *report.results.evaluations[i];
    candidate_cells(file, plan, i);
    file.quoted(name_of(e.obstacle));
    file.text(e.why);
    file.number(e.prospect.least_nodes);
    file.number(e.prospect.most_nodes);
    if (e.nodes) {
      file.number(*e.nodes);
    } else {
      file.nothing();
    }
    file.number(static_cast<std::int64_t>(e.runs));
    if (e.performance) {
      performance_cells(file, plan, *e.performance);
    } else {
      for (std::size_t c = 0; c < plan.bounds.size() + kPerformanceCells; ++c) file.nothing();
    }
    file.end_row();
  }
}

void fill_offers(CsvFile& file, const PlanReport& report) {
  head(file, {"rank",
              "candidate",
              "name",
              "nodes",
              "purchase_low_usd",
              "purchase_usd",
              "purchase_high_usd",
              "usd_per_h_low",
              "usd_per_h",
              "usd_per_h_high",
              "slo_used_ratio",
              "mean_power_w",
              "most_power_w",
              "rack_units",
              "drive_life_years",
              "usd_per_m_prompt_tokens",
              "usd_per_m_cached_tokens",
              "usd_per_m_output_tokens",
              "joules_per_output_token",
              "wins_ratio",
              "on_front"});
  file.end_row();
  for (std::size_t i = 0; i < report.choice.offers.size(); ++i) {
    const Offer& o = report.choice.offers[i];
    file.number(static_cast<std::int64_t>(i + 1));
    file.number(static_cast<std::int64_t>(o.candidate + 1));
    file.text(report.plan.candidates[o.candidate].name);
    file.number(o.nodes);
    numbers(file, {o.low.purchase.count(), o.typical.purchase.count(), o.high.purchase.count(),
                   o.low.per_hour.count(), o.typical.per_hour.count(), o.high.per_hour.count(),
                   o.slo_used, o.typical.mean_power.count(), o.typical.most_power.count()});
    file.number(o.typical.rack_units);
    const auto& life = o.typical.drive_life;
    if (life && std::isfinite(life->count())) {
      file.number(life->count());
    } else {
      file.nothing();  // no drives, or nothing wears them out
    }
    numbers(file, {o.tokens.prompt.count(), o.tokens.cached.count(), o.tokens.output.count(),
                   o.joules_per_output_token, o.wins});
    file.quoted(o.on_front ? "true" : "false");
    file.end_row();
  }
}

}  // namespace

void write_plan_csv(const PlanReport& report, const std::filesystem::path& directory) {
  replace_csv(directory / "candidates.csv", [&](CsvFile& file) { fill_candidates(file, report); });
  replace_csv(directory / "offers.csv", [&](CsvFile& file) { fill_offers(file, report); });
}

}  // namespace terrace::app
