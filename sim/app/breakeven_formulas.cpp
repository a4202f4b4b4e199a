#include <cmath>

#include <fmt/format.h>

#include "sim/app/breakeven_report.hpp"
#include "sim/fabric/wear.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"
#include "sim/scenario/layout.hpp"

namespace terrace::app {
namespace {

std::string time(Duration d) { return human::time(seconds(d)); }

std::string load_formula(const BreakEvenReport& r, const PrefixAnswer& row, std::size_t tier) {
  const PrefixLoad& load = row.loads[tier];
  const double rate = static_cast<double>(row.bytes.count()) / seconds(load.load);
  std::string text = paragraph(
      fmt::format("  {:<7}  ", medium_name(r.question.tiers[tier])),
      fmt::format("{} / {:.4g} GB/s, latencies included, = {}; needed are {:.4g} GB/s, so loading "
                  "{}. Stall max(first fresh step, load + 1/{} of it) - fresh = {}. Hybrid: {} "
                  "tokens computed while {} load, both done after {}.",
                  human::bytes(row.bytes), rate * 1e-9, time(load.load), row.needed.count() * 1e-9,
                  load.load <= row.recompute ? "pays" : "does not pay",
                  layer_count(r.machine.model), time(load.stall),
                  human::count(load.computed.count()),
                  human::count((row.prefix - load.computed).count()), time(load.hybrid)));
  return text;
}

std::string money_formula(const BreakEvenReport& r, const PrefixAnswer& row, std::size_t index,
                          std::size_t tier) {
  const auto worth = r.worth(index, tier);
  if (!worth) return {};
  const Keeping& keeping = *r.keeping[tier];
  const std::int64_t gpus = r.machine.serving.gpus_per_replica();
  const double share = static_cast<double>(gpus) / static_cast<double>(row.prefix.count());
  const double computed = cost_of(r.gpu->per_hour.typical, row.recompute).count() * share;
  const double stalled = cost_of(r.gpu->per_hour.typical, row.loads[tier].stall).count() * share;
  return paragraph(
      fmt::format("  {:<7}  ", medium_name(r.question.tiers[tier])),
      fmt::format("per token, typical prices: computing c_rc = {} GPU x {:.4g} USD/h x {} / {} = "
                  "{:.3g} USD; stall c_l = {:.3g}; write c_w = {:.3g}; holding c_h = {:.3g} USD/h. "
                  "Reuses c_w / (c_rc - c_l) = {:.3g}; idle ({:g} (c_rc - c_l) - c_w) / c_h = {}.",
                  gpus, r.gpu->per_hour.typical.count(), time(row.recompute),
                  human::count(row.prefix.count()), computed, stalled,
                  keeping.write.typical.count(), keeping.hold.typical.count(),
                  worth->reuses.typical, r.reuses, human::span(worth->idle.typical)));
}

std::string wear_formula(const BreakEvenReport& r) {
  const auto& ssd = r.machine.hardware.ssd;
  if (!ssd || !ssd->price) return {};
  return paragraph(
      "  wear     ",
      fmt::format("{:.4g} USD/TB / ({:g} drive writes a day x 1825 days x {:g} for sequential "
                  "writes) = {:.3g} USD per TB written",
                  ssd->price->typical.count(), ssd->dwpd, ssd->sequential_endurance,
                  cost_of_writing(*ssd, ssd->price->typical).count()));
}

}  // namespace

std::string breakeven_formulas(const BreakEvenReport& r) {
  const std::size_t last = r.answer.prefixes.size() - 1;
  const PrefixAnswer& row = r.answer.prefixes[last];
  std::string text =
      fmt::format("\nHow the row of {} tokens comes about\n", human::count(row.prefix.count()));
  text += paragraph("  computed ",
                    fmt::format("all steps of a prompt of {} + {} fresh tokens, less those of the "
                                "fresh ones behind a prefix that is there = {}",
                                human::count(row.prefix.count()),
                                human::count(r.question.fresh.count()), time(row.recompute)));
  text +=
      paragraph("  needs    ", fmt::format("{} of KV / {} = {:.4g} GB/s", human::bytes(row.bytes),
                                           time(row.recompute), row.needed.count() * 1e-9));
  for (std::size_t t = 0; t < row.loads.size(); ++t) text += load_formula(r, row, t);
  text += wear_formula(r);
  for (std::size_t t = 0; t < row.loads.size(); ++t) text += money_formula(r, row, last, t);
  return text;
}

}  // namespace terrace::app
