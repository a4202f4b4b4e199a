#include "sim/app/plan_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/app/plan_words.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

constexpr std::size_t kMostOffers = 10;

std::string offer_name(const PlanReport& report, const Offer& offer) {
  return report.plan.candidates[offer.candidate].name;
}

/// How candidates fared, in a line.
std::string funnel(const PlanReport& report) {
  const PlanResults& results = report.results;
  std::map<Obstacle, std::size_t> pruned;
  std::size_t simulated = 0;
  std::size_t runs = 0;
  for (const auto& e : results.evaluations) {
    if (e->prospect.hopeless()) ++pruned[e->obstacle];
    if (e->runs > 0) ++simulated;
    runs += e->runs;
  }
  std::string text = plural(results.evaluations.size(), "candidate") + ": ";
  std::vector<std::string> reasons;
  std::size_t all_pruned = 0;
  for (const auto& [obstacle, count] : pruned) {
    reasons.push_back(fmt::format("{} by {}", count, name_of(obstacle)));
    all_pruned += count;
  }
  if (all_pruned > 0) {
    text += fmt::format("{} ruled out beforehand ({}), ", all_pruned, fmt::join(reasons, ", "));
  }
  return text + fmt::format("{} simulated in {}; {} everything", simulated, plural(runs, "run"),
                            report.choice.offers.size() == 1
                                ? "1 meets"
                                : fmt::format("{} meet", report.choice.offers.size()));
}

std::size_t rows_of(const PlanReport& report) {
  const std::size_t all = report.choice.offers.size();
  return report.all ? all : std::min(all, kMostOffers);
}

std::string offers_text(const PlanReport& report) {
  Table table({"Offers, cheapest first", "nodes", "purchase", "$/h", "SLO used", "power", "wins"});
  Table tokens({"Per million tokens", "prompt", "cached", "output", "prefill", "hits", "J/token"});
  for (std::size_t i = 0; i < rows_of(report); ++i) {
    const Offer& offer = report.choice.offers[i];
    const Performance& seen = *report.results.evaluations[offer.candidate]->performance;
    const std::string name =
        fmt::format("{:2}{} {}", i + 1, offer.on_front ? '*' : ' ', offer_name(report, offer));
    table.add({name, fmt::format("{}", offer.nodes), dollars(offer.typical.purchase.count()),
               dollars(offer.typical.per_hour.count()), percent(offer.slo_used),
               watts(offer.typical.mean_power), percent(offer.wins)});
    tokens.add({name, dollars(offer.tokens.prompt.count()), dollars(offer.tokens.cached.count()),
                dollars(offer.tokens.output.count()), percent(seen.prefill_share),
                percent(seen.prefix_hit_ratio),
                fmt::format("{:.3g}", offer.joules_per_output_token)});
  }
  std::string text = table.text();
  if (const std::size_t more = report.choice.offers.size() - rows_of(report); more > 0) {
    text += fmt::format("and {} more: see offers.csv, or say --all\n", more);
  }
  text += paragraph("", fmt::format("* on the Pareto front of cost, use of the SLOs and energy. "
                                    "SLO used: the largest of measured "
                                    "over allowed. Wins: share of {} draws of prices in which it "
                                    "costs least. Power is the mean "
                                    "over the day. All is "
                                    "for the load at the end of the horizon.",
                                    human::count(static_cast<std::int64_t>(report.choice.draws))));
  return text + "\n" + tokens.text();
}

/// The bound that is nearest to its limit.
std::string tightest_bound(const PlanReport& report, const Performance& seen) {
  std::size_t tightest = 0;
  double most = -1;
  for (std::size_t b = 0; b < report.plan.bounds.size(); ++b) {
    if (!seen.slo[b]) continue;
    const double used = seconds(*seen.slo[b]) / seconds(report.plan.bounds[b].limit);
    if (used > most) std::tie(most, tightest) = std::pair(used, b);
  }
  if (most < 0) return "No request has a latency that is bounded.";
  const SloBound& bound = report.plan.bounds[tightest];
  return fmt::format("{} is nearest to its limit, {} of {}; {} would be short first.", bound.name(),
                     human::time(seconds(*seen.slo[tightest])), human::time(seconds(bound.limit)),
                     seen.limit);
}

std::string drives_sentence(const PlanReport& report, const Offer& offer) {
  const Candidate& candidate = report.plan.candidates[offer.candidate];
  if (candidate.drives == 0) return {};
  const DriveNeed& need = report.results.evaluations[offer.candidate]->performance->drives;
  std::string text =
      fmt::format("A node has {}; it needs {} for capacity, {} for bandwidth, {} for endurance",
                  plural(static_cast<std::size_t>(candidate.drives), "drive"), need.by_capacity,
                  need.by_bandwidth, need.by_endurance);
  if (!need.binding().empty()) text += fmt::format(": {} binds", need.binding());
  return text + fmt::format(". They last {}.", life_text(*offer.typical.drive_life));
}

std::string wins_sentence(const PlanReport& report) {
  std::vector<std::string> others;
  for (const Outlook& outlook : report.outlooks.offers) {
    if (outlook.offer == 0) continue;
    const Offer& offer = report.choice.offers[outlook.offer];
    others.push_back(fmt::format("{} in {}", offer_name(report, offer), percent(offer.wins)));
  }
  const std::string first = percent(report.choice.offers.front().wins);
  std::string text = fmt::format("It costs least in {} of price draws", first);
  if (!others.empty()) text += fmt::format("; {}", fmt::join(others, "; "));
  return text + ".";
}

std::string answer_text(const PlanReport& report) {
  const Offer& best = report.choice.offers.front();
  const Performance& seen = *report.results.evaluations[best.candidate]->performance;
  const std::int64_t spare = report.plan.spec.limits.spare_nodes;
  std::string text = fmt::format(
      "Buy {} x ({}){}: {} ({} to {}), then {} an hour ({} to {}), {} on average, {} at most, {} "
      "rack units. ",
      best.nodes, offer_name(report, best),
      spare > 0 ? fmt::format(", {} of them spare", spare) : "",
      dollars(best.typical.purchase.count()), dollars(best.low.purchase.count()),
      dollars(best.high.purchase.count()), dollars(best.typical.per_hour.count()),
      dollars(best.low.per_hour.count()), dollars(best.high.per_hour.count()),
      watts(best.typical.mean_power), watts(best.typical.most_power), best.typical.rack_units);
  text += tightest_bound(report, seen) + " ";
  if (const std::string drives = drives_sentence(report, best); !drives.empty()) {
    text += drives + " ";
  }
  if (report.choice.draws > 0) text += wins_sentence(report);
  return paragraph("", text);
}

std::string bill_text(const PlanReport& report) {
  const Offer& best = report.choice.offers.front();
  Table table({"Bill of the first offer", "purchase", "$/h"});
  for (const Bill::Line& line : best.typical.lines) {
    table.add({std::string(name_of(line.part)), dollars(line.purchase.count()),
               dollars(line.per_hour.count())});
  }
  table.add(
      {"all", dollars(best.typical.purchase.count()), dollars(best.typical.per_hour.count())});
  return table.text();
}

std::string nodes_text(const std::optional<std::int64_t>& nodes) {
  return nodes ? fmt::format("{}", *nodes) : "-";
}

/// Nodes by year, and at the ends of the error bars.
std::string outlook_text(const PlanReport& report) {
  const Outlooks& all = report.outlooks;
  const Outlook& first = all.offers.front();
  std::vector<std::string> heads = {"Nodes needed"};
  for (std::size_t year = 0; year < first.by_year.size(); ++year) {
    heads.push_back(year == 0 ? "today" : fmt::format("year {}", year));
  }
  heads.push_back("bought");
  if (first.quick) heads.insert(heads.end(), {"quick", "$/h", "slow", "$/h"});
  if (heads.size() == 2) return {};
  Table table(heads);
  for (const Outlook& outlook : all.offers) {
    const Offer& offer = report.choice.offers[outlook.offer];
    std::vector<std::string> cells = {
        fmt::format("{:2}  {}", outlook.offer + 1, offer_name(report, offer))};
    for (const auto& nodes : outlook.by_year) cells.push_back(nodes_text(nodes));
    cells.push_back(nodes_text(offer.nodes));
    for (const auto* end : {&outlook.quick, &outlook.slow}) {
      if (!first.quick) break;
      cells.push_back(nodes_text((*end)->nodes));
      cells.push_back((*end)->nodes ? dollars((*end)->per_hour.count()) : "-");
    }
    table.add(std::move(cells));
  }
  std::string text = table.text();
  if (!first.quick) return text;
  const auto stays = [](const std::optional<std::size_t>& cheapest) {
    return cheapest && *cheapest == 0;
  };
  const bool robust = stays(all.cheapest_if_quick) && stays(all.cheapest_if_slow);
  return text +
         paragraph("", std::string("Quick and slow: with step times at the short and the long "
                                   "end of what their calibration leaves open. ") +
                           (robust ? "The cheapest of these stays the cheapest."
                                   : "The cheapest of these is not always the first."));
}

/// Losers by machine and obstacle: how many, and the one that came nearest.
std::string losers_text(const PlanReport& report) {
  std::map<std::pair<Obstacle, std::size_t>, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < report.plan.candidates.size(); ++i) {
    const Evaluation& e = *report.results.evaluations[i];
    if (!e.meets()) groups[{e.obstacle, report.plan.candidates[i].machine}].push_back(i);
  }
  if (groups.empty()) return {};
  std::string text = "Why the others do not do\n";
  for (auto& [key, members] : groups) {
    const auto nearer = [&](std::size_t a, std::size_t b) {
      return report.results.evaluations[a]->excess < report.results.evaluations[b]->excess;
    };
    std::stable_sort(members.begin(), members.end(), nearer);
    const std::size_t shown = report.all ? members.size() : 1;
    for (std::size_t i = 0; i < shown; ++i) {
      const std::size_t rest = report.all ? 0 : members.size() - 1;
      text += paragraph(fmt::format("  {:10}", name_of(key.first)),
                        fmt::format("{}{}: {}", report.plan.candidates[members[i]].name,
                                    rest > 0 ? fmt::format(" and {} like it", rest) : "",
                                    report.results.evaluations[members[i]]->why));
    }
  }
  return text;
}

/// Offers beyond the first whose runs were so short that they may need more nodes.
std::string short_runs(const PlanReport& report) {
  std::int64_t few = 0;
  for (const Offer& offer : report.choice.offers) {
    if (is_short(*report.results.evaluations[offer.candidate]->performance)) ++few;
  }
  if (few == 0) return {};
  return paragraph("  ", fmt::format("the runs of {} offers are too short to last by; raise their "
                                     "requests, as with --set 'set={{workload.max_requests: "
                                     "20000}}'",
                                     few));
}

std::string doubts_text(const PlanReport& report) {
  std::string text = "What this rests on\n" + short_runs(report);
  for (const std::string& line : grounds_of(report.plan)) text += paragraph("  ", line);
  return text;
}

}  // namespace

std::size_t nearest_miss(const PlanResults& results) {
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < results.evaluations.size(); ++i) {
    if (results.evaluations[i]->excess < results.evaluations[nearest]->excess) nearest = i;
  }
  return nearest;
}

std::string plan_text(const PlanReport& report) {
  std::vector<std::string> sections = {demand_text(report.plan) + paragraph("", funnel(report))};
  if (!report.choice.offers.empty()) {
    sections.push_back(offers_text(report));
    sections.push_back(answer_text(report));
    sections.push_back(bill_text(report));
    sections.push_back(outlook_text(report));
  }
  sections.push_back(losers_text(report));
  sections.push_back(doubts_text(report));
  std::string text;
  for (const std::string& section : sections) {
    if (!section.empty()) text += (text.empty() ? "" : "\n") + section;
  }
  return text;
}

std::string dry_plan_text(const Plan& plan, const std::filesystem::path& directory) {
  const Demand demand = demand_of(
      plan.candidates.front().on(1, plan.load_after(plan.spec.demand.horizon)), plan.bounds);
  std::string text = demand_text(plan);
  text += fmt::format("{}, results in {}\n\n", plural(plan.candidates.size(), "candidate"),
                      directory.string());
  Table table({"Candidate", "nodes", ""});
  for (const Candidate& candidate : plan.candidates) {
    const Prospect p = prospect(plan, candidate, demand);
    table.add({candidate.name,
               p.hopeless() ? "-" : fmt::format("{} to {}", p.least_nodes, p.most_nodes),
               p.hopeless() ? name_of(p.obstacle()) : ""});
  }
  return text + table.text() +
         paragraph("",
                   "Nodes: as many as are tried, from what the load takes at least to what the "
                   "limits allow. One with a word instead is ruled out by that.");
}

}  // namespace terrace::app
