#include "sim/app/cliff_report.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/app/study_options.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

constexpr double kWorthTelling = 0.005;  // a resource that is never so busy is left out

bool limited(const SloBound& bound) { return bound.limit != Duration::max(); }

/// Everything that is wrong, in a few words.
std::string why_broken(const CliffPoint& point, const std::vector<SloBound>& bounds) {
  if (!point.trial) return "not starting";
  std::vector<std::string> all;
  if (point.rejects()) {
    all.push_back(fmt::format("rejecting {:.0f} %",
                              100.0 * static_cast<double>(point.trial->summary.all.rejected) /
                                  static_cast<double>(point.trial->summary.came)));
  }
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (!point.trial->judged[i].met && limited(bounds[i])) {
      all.push_back(bounds[i].name());
    }
  }
  if (!point.trial->keeps_up) all.emplace_back("a growing queue");
  return fmt::format("{}", fmt::join(all, ", "));
}

std::string figure_text(const CliffPoint& point, std::size_t bound) {
  if (!point.trial || !point.trial->judged[bound].value) return "-";
  return human::time(seconds(*point.trial->judged[bound].value));
}

std::string points_text(const CliffReport& r) {
  std::vector<std::string> heads = {r.knob.substr(r.knob.rfind('.') + 1)};
  for (const SloBound& bound : r.bounds) heads.push_back(bound.name());
  heads.insert(heads.end(), {"inside", "limit", "broken by"});
  Table table(heads);
  for (const CliffPoint& point : r.cliff.points) {
    std::vector<std::string> row = {point.text};
    for (std::size_t i = 0; i < r.bounds.size(); ++i) row.push_back(figure_text(point, i));
    row.push_back(point.trial ? human::rate(point.trial->concurrency) : "-");
    row.push_back(point.trial ? point.trial->summary.verdict.limit : "-");
    row.push_back(why_broken(point, r.bounds));
    table.add(std::move(row));
  }
  return table.text();
}

/// Shares of the run, by name: how busy each resource was, and what the queue waited for.
std::map<std::string, double> shares_of(const Summary& s) {
  std::map<std::string, double> shares;
  const double time = seconds(s.duration);
  const double replica_time = time * static_cast<double>(s.replicas);
  if (!(time > 0)) return shares;
  shares["GPUs computing"] = seconds(s.busy - s.stalled) / replica_time;
  shares["GPUs stalled by loads"] = seconds(s.stalled) / replica_time;
  for (const TierSummary& tier : s.tiers) {
    if (tier.capacity == Bytes::max() || tier.capacity == Bytes{}) continue;
    const auto capacity = static_cast<double>(tier.capacity.count());
    shares[tier.name + " in use"] = tier.mean_held / capacity;
    if (tier.name != "hbm") shares[tier.name + " filled"] = tier.mean_occupied / capacity;
  }
  for (const LinkReport& link : s.links) {
    if (link.transfers > 0) shares[link.name + " busy"] = link.utilisation;
  }
  const auto waited = [&](Wait why) {
    return s.wait_seconds[static_cast<std::size_t>(why)] / replica_time;
  };
  shares["queue waits for KV blocks"] = waited(Wait::blocks);
  shares["queue waits for a seat"] = waited(Wait::seats);
  shares["queue waits for compute"] = waited(Wait::budget);
  return shares;
}

/// The resources at both sides, the one that changes most first.
std::string shares_text(const CliffPoint& good, const CliffPoint& bad) {
  if (!good.trial || !bad.trial) return "";
  const auto before = shares_of(good.trial->summary);
  const auto after = shares_of(bad.trial->summary);
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, share] : after) {
    const auto found = before.find(name);
    const double was = found == before.end() ? 0 : found->second;
    if (std::max(share, was) > kWorthTelling) order.emplace_back(was - share, name);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Table table({"Share of the time or space", "at " + good.text, "at " + bad.text});
  const auto cell = [](const auto& shares, const std::string& name) {
    const auto found = shares.find(name);
    return found == shares.end() ? "-" : fmt::format("{:.1f} %", 100 * found->second);
  };
  for (const auto& [change, name] : order) {
    table.add({name, cell(before, name), cell(after, name)});
  }
  return table.text();
}

/// The bound that breaks, the first of several; the first of all if it is the queue that grows.
std::size_t broken_bound(const CliffPoint& bad) {
  const auto& judged = bad.trial->judged;
  const auto missed = std::find_if(judged.begin(), judged.end(), [](auto& j) { return !j.met; });
  return missed == judged.end() ? 0 : static_cast<std::size_t>(missed - judged.begin());
}

/// "2.1 % more of it: 4.7 times the ttft_p99 (1.2 s, then 5.6 s)"
std::string jump_text(const CliffReport& r, const CliffPoint& good, const CliffPoint& bad) {
  const std::size_t bound = broken_bound(bad);
  const auto& before = good.trial->judged[bound].value;
  const auto& after = bad.trial->judged[bound].value;
  const double change = good.value == 0 ? HUGE_VAL : (bad.value - good.value) / good.value;
  const std::string step =
      good.value == 0
          ? "One step away from nothing"
          : fmt::format("{:.2g} % {} of it", 100 * std::abs(change), change > 0 ? "more" : "less");
  if (!before || !after || *before == Duration{}) {
    return fmt::format("{}: no {} any more", step, r.bounds[bound].name());
  }
  return fmt::format("{}: {:.3g} times the {} ({}, then {})", step,
                     seconds(*after) / seconds(*before), r.bounds[bound].name(),
                     human::time(seconds(*before)), human::time(seconds(*after)));
}

std::string break_text(const CliffReport& r, const Break& b) {
  const CliffPoint& good = r.cliff.points[b.good];
  const CliffPoint& bad = r.cliff.points[b.bad];
  std::string text = fmt::format("As {} {}, it breaks between {} and {}, by {}", r.knob,
                                 b.bad > b.good ? "grows" : "falls", good.text, bad.text,
                                 why_broken(bad, r.bounds));
  if (!bad.trial) return paragraph("", text + ". " + bad.why_not + ".");
  text += ". " + jump_text(r, good, bad) + ".";
  text += fmt::format(" What saturates: {}. There it says: {}.", bad.trial->summary.verdict.limit,
                      bad.trial->summary.verdict.sentence);
  return paragraph("", text) + shares_text(good, bad);
}

std::string answer_text(const CliffReport& r) {
  const auto& points = r.cliff.points;
  if (!r.cliff.breaks.empty()) {
    std::string text;
    for (const Break& b : r.cliff.breaks) text += break_text(r, b) + "\n";
    return text;
  }
  const char* all = points.front().holds() ? "it does not break" : "it is broken throughout";
  return paragraph("", fmt::format("From {} = {} to {}, {}.", r.knob, points.front().text,
                                   points.back().text, all)) +
         "\n";
}

}  // namespace

std::string cliff_text(const CliffReport& r) {
  std::string text = fmt::format("{}: where it breaks as {} is turned\n", r.scenario.name, r.knob);
  std::vector<SloBound> bounds = r.bounds;
  std::erase_if(bounds, [](const SloBound& bound) { return !limited(bound); });
  text += paragraph("", fmt::format("It holds if {}{}hardly a request is rejected, and the queue "
                                    "does not grow. Seed {} at every point.",
                                    text_of(bounds), bounds.empty() ? "" : ", ", r.scenario.seed)) +
          "\n";
  text += answer_text(r) + points_text(r);
  std::set<std::string> caveats;
  for (const CliffPoint& point : r.cliff.points) {
    if (point.trial) {
      caveats.insert(point.trial->summary.caveats.begin(), point.trial->summary.caveats.end());
    }
  }
  for (const std::string& caveat : caveats) text += paragraph("", "Step times: " + caveat + ".");
  return text;
}

}  // namespace terrace::app
