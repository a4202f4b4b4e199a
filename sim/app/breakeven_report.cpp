#include "sim/app/breakeven_report.hpp"

#include <cmath>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

constexpr double kMillion = 1e6;

std::string tokens(Tokens n) { return human::count(n.count()); }
std::string time(Duration d) { return human::time(seconds(d)); }

std::string dollars(const AtPrices<double>& amounts) {
  const auto text = [](double amount) { return human::dollars(Dollars{amount}); };
  return fmt::format("{} USD ({} to {})", text(amounts.typical), text(amounts.low),
                     text(amounts.high));
}

std::string memory_of(const BreakEvenReport& r, Medium tier) {
  const HardwareSpec& h = r.machine.hardware;
  if (tier == Medium::dram) {
    return fmt::format("{}{}, over {} at {}", h.host.name, r.host_chosen ? "" : " (assumed)",
                       h.gpu.host_link.bus, config::Scalar<Bandwidth>::format(h.gpu.host_link.h2d));
  }
  if (tier == Medium::nvme) {
    return fmt::format("{} x {} {}, {} each", h.drives_per_host, h.ssd->name,
                       config::Scalar<Bytes>::format(h.ssd->capacity),
                       config::Scalar<Bandwidth>::format(h.ssd->read.bandwidth));
  }
  return fmt::format("{}, {}", h.network->name,
                     config::Scalar<Bandwidth>::format(h.network->bandwidth));
}

/// What the steps' times come from.
std::string steps_of(const BreakEvenReport& r) {
  const CostBackend chosen = backend(r.machine);
  const std::string name = config::Scalar<CostBackend>::format(chosen);
  if (chosen == CostBackend::fitted) return name + ", to kernels measured on this GPU";
  if (chosen == CostBackend::roofline)
    return name + ", of the GPU's profile: no kernels measured on it";
  return name;
}

std::string head_text(const BreakEvenReport& r) {
  const ServingSpec& serving = r.machine.serving;
  const EngineSpec& engine = serving.engine;
  std::string text = paragraph(
      "",
      fmt::format("{} on {} x {}: {} of KV a token in {}, in blocks of {} tokens, one piece "
                  "per {}",
                  r.machine.model.name, serving.gpus_per_replica(), r.machine.hardware.gpu.name,
                  human::bytes(r.answer.per_token),
                  config::Scalar<DType>::format(engine.kv_cache_dtype), engine.block_size.count(),
                  engine.kv_layout == KvLayout::block ? "block" : "layer, K and V apart"));
  if (r.answer.copies > 1.001) {
    text += paragraph("  ", fmt::format("Each token's KV lies on the GPUs {:.3g} times: heads or a "
                                        "latent that cannot be divided among {} GPUs are "
                                        "replicated, and every GPU loads all of its own copy.",
                                        r.answer.copies, serving.tensor_parallel));
  }
  text += paragraph("  steps    ", fmt::format("{}; at most {} tokens each", steps_of(r),
                                               tokens(engine.max_num_batched_tokens)));
  for (const std::string& caveat : r.answer.caveats) text += paragraph("           ", caveat);
  text += paragraph(
      "  hbm      ",
      fmt::format(
          "has room for {} tokens beside the weights{}", tokens(r.hbm),
          r.answer.prefixes.back().prefix > r.hbm ? ": longer prefixes are of no use there" : ""));
  for (const Medium tier : r.question.tiers) {
    text += paragraph(fmt::format("  {:<7}  ", medium_name(tier)), memory_of(r, tier));
  }
  if (serving.replicas > 1) {
    text += paragraph("  sharing  ", fmt::format("{} replicas on one host load the same at once",
                                                 serving.replicas));
  }
  return text;
}

std::string overview_text(const BreakEvenReport& r) {
  std::vector<std::string> heads{"prefix", "computed", "needs GB/s"};
  for (const Medium tier : r.question.tiers) heads.push_back("from " + medium_name(tier));
  if (r.gpu) heads.emplace_back("computed USD/M");
  Table table(heads);
  for (const PrefixAnswer& row : r.answer.prefixes) {
    std::vector<std::string> cells{
        tokens(row.prefix), time(row.recompute),
        row.recompute > Duration{} ? fmt::format("{:.1f}", row.needed.count() * 1e-9) : "-"};
    for (const PrefixLoad& load : row.loads) cells.push_back(time(load.load));
    if (r.gpu) {
      const Dollars all = cost_of(r.gpu->per_hour.typical, row.recompute);
      cells.push_back(
          human::dollars(all * (static_cast<double>(r.machine.serving.gpus_per_replica()) *
                                kMillion / static_cast<double>(row.prefix.count()))));
    }
    table.add(std::move(cells));
  }
  return "\nTime to have the KV of a prefix: computed again, or loaded while nothing else moves\n" +
         table.text();
}

std::string verdict(const BreakEvenReport& r, std::size_t tier) {
  const auto& from = r.answer.from[tier];
  if (!from) return fmt::format("never pays, up to {} tokens", tokens(r.answer.longest));
  if (*from == r.machine.serving.engine.block_size) return "always pays, from the first block on";
  return fmt::format("pays from {} tokens on", tokens(*from));
}

std::string reuses_text(const Worth& worth) {
  return std::isinf(worth.reuses.typical) ? "never" : fmt::format("{:.2g}", worth.reuses.typical);
}

std::string idle_text(const Worth& worth) {
  if (worth.idle.high <= Years{}) return "no";
  if (worth.idle.typical <= Years{}) return "no; at best " + human::span(worth.idle.high);
  return fmt::format("{} ({} to {})", human::span(worth.idle.typical), human::span(worth.idle.low),
                     human::span(worth.idle.high));
}

std::string tier_text(const BreakEvenReport& r, std::size_t tier) {
  const bool priced = r.gpu && r.keeping[tier];
  std::vector<std::string> heads{"prefix", "loaded", "stall", "hybrid", "it computes"};
  if (priced) heads.insert(heads.end(), {"reuses", "kept for"});
  Table table(heads);
  for (std::size_t i = 0; i < r.answer.prefixes.size(); ++i) {
    const PrefixAnswer& row = r.answer.prefixes[i];
    const PrefixLoad& load = row.loads[tier];
    std::vector<std::string> cells{tokens(row.prefix), time(load.load), time(load.stall),
                                   time(load.hybrid), tokens(load.computed)};
    if (priced) {
      const Worth worth = *r.worth(i, tier);
      cells.push_back(reuses_text(worth));
      cells.push_back(idle_text(worth));
    }
    table.add(std::move(cells));
  }
  return fmt::format("\n{}: loading {}\n", medium_name(r.question.tiers[tier]), verdict(r, tier)) +
         table.text();
}

std::string money_text(const BreakEvenReport& r) {
  if (!r.gpu) {
    return paragraph("",
                     "\nNo money: the GPU's profile has no such price; say one with "
                     "--gpu-price '3 USD/h'.");
  }
  const auto date = [](const std::string& as_of) {
    return as_of.empty() ? std::string() : ", prices of " + as_of;
  };
  const auto& hour = r.gpu->per_hour;
  std::string text =
      "\n" +
      paragraph("  GPU      ",
                fmt::format("{} an hour: {}{}; host not counted",
                            dollars({hour.low.count(), hour.typical.count(), hour.high.count()}),
                            r.gpu->what, date(r.gpu->as_of)));
  for (std::size_t t = 0; t < r.question.tiers.size(); ++t) {
    const std::string label = fmt::format("  {:<7}  ", medium_name(r.question.tiers[t]));
    const auto& k = r.keeping[t];
    if (!k) {
      text += paragraph(label, "its profile has no price of its memory: no money");
      continue;
    }
    const auto hold = [](DollarsPerHour price) { return price.count() * 24 * kMillion; };
    std::string line =
        fmt::format("a million tokens for a day {}",
                    dollars({hold(k->hold.low), hold(k->hold.typical), hold(k->hold.high)}));
    if (k->write.high > Dollars{}) {
      line += fmt::format("; wear by writing them {}", dollars({k->write.low.count() * kMillion,
                                                                k->write.typical.count() * kMillion,
                                                                k->write.high.count() * kMillion}));
    }
    text += paragraph(label, line + date(k->as_of));
  }
  return text;
}

std::string legend(const BreakEvenReport& r) {
  std::string text = fmt::format(
      "'needs' is the rate at which loading takes as long as computing. 'stall' is what a "
      "layerwise load does not hide behind {} fresh tokens. 'hybrid' computes the first tokens "
      "while the others are loaded.",
      tokens(r.question.fresh));
  if (r.gpu) {
    text += fmt::format(
        " 'computed USD/M': of GPU time for a million tokens. 'reuses' pay for the write. 'kept "
        "for': the longest time in the tier that {:g} "
        "reuse{} pay{} for, at typical prices (at the least to the most favourable ones).",
        r.reuses, r.reuses == 1 ? "" : "s", r.reuses == 1 ? "s" : "");
  }
  return "\n" + paragraph("", text);
}

}  // namespace

std::optional<Worth> BreakEvenReport::worth(std::size_t prefix, std::size_t tier) const {
  if (!gpu || !keeping[tier]) return std::nullopt;
  const PrefixAnswer& row = answer.prefixes[prefix];
  return worth_of_keeping(*gpu, machine.serving.gpus_per_replica(), row, row.loads[tier],
                          *keeping[tier], reuses);
}

std::string medium_name(Medium tier) { return config::Scalar<Medium>::format(tier); }

std::string breakeven_text(const BreakEvenReport& report) {
  std::string text = head_text(report) + overview_text(report);
  for (std::size_t t = 0; t < report.question.tiers.size(); ++t) text += tier_text(report, t);
  return text + money_text(report) + legend(report);
}

}  // namespace terrace::app
