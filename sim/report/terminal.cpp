#include "sim/report/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/config/scalar.hpp"
#include "sim/metrics/metric.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace {
namespace {

constexpr std::array<const char*, kTtftParts> kPartNames = {"queue", "KV load", "prefill", "other"};

std::string time_of_ms(std::optional<double> ms) { return ms ? human::time(*ms * 1e-3) : "-"; }

std::string percent(std::optional<double> ratio) { return ratio ? human::percent(*ratio, 1) : "-"; }

bool has_slo(const ClientSummary& client) { return client.ttft_slo || client.tpot_slo; }

void add_latency(Table& table, const char* name, const Histogram& histogram) {
  std::vector<std::string> cells = {name, time_of_ms(mean_ms(histogram))};
  for (const double q : {0.5, 0.9, 0.99}) cells.push_back(time_of_ms(quantile_ms(histogram, q)));
  table.add(std::move(cells));
}

std::string latency_text(const Latencies& latencies) {
  Table table({"Latency", "mean", "p50", "p90", "p99"});
  add_latency(table, "TTFT", latencies.ttft);
  add_latency(table, "TPOT", latencies.tpot);
  add_latency(table, "ITL", latencies.itl);
  add_latency(table, "E2E", latencies.e2e);
  return table.text();
}

std::string throughput_text(const Summary& s) {
  const ClientSummary& all = s.all;
  Table table({"Throughput", "total", "per second"});
  const auto add = [&](const char* name, std::int64_t count) {
    table.add({name, human::count(count), human::rate(per_second(count, s.duration).value_or(0))});
  };
  add("requests completed", all.completed);
  if (std::any_of(s.clients.begin(), s.clients.end(), has_slo)) {
    add("  within their SLO", all.good);
  }
  add("input tokens", all.prompt.count());
  add("output tokens", all.output.count());
  add("all tokens", (all.prompt + all.output).count());
  std::string text = table.text();

  std::vector<std::string> notes = {"in " + human::time(seconds(s.duration))};
  if (std::any_of(s.clients.begin(), s.clients.end(), has_slo)) {
    notes.push_back("SLO met by " + percent(slo_attainment(all)) + " %");
  }
  if (all.rejected > 0) notes.push_back(human::count(all.rejected) + " rejected");
  if (s.unfinished > 0) notes.push_back(human::count(s.unfinished) + " unfinished");
  notes.push_back(human::count(s.preemptions) +
                  (s.preemptions == 1 ? " preemption" : " preemptions"));
  if (s.recomputed > Tokens{}) {
    notes.push_back(human::count(s.recomputed.count()) + " tokens recomputed");
  }
  std::string line;
  for (const std::string& note : notes) line += (line.empty() ? "" : ", ") + note;
  return text + paragraph("", line);
}

std::string client_text(const Summary& s) {
  Table table(
      {"Client", "completed", "rejected", "mean TTFT", "p99 TTFT", "mean TPOT", "SLO", "met %"});
  for (const ClientSummary& c : s.clients) {
    std::string slo;
    if (c.ttft_slo) slo = "ttft " + config::Scalar<Duration>::format(*c.ttft_slo);
    if (c.tpot_slo) {
      slo += (slo.empty() ? "tpot " : ", tpot ") + config::Scalar<Duration>::format(*c.tpot_slo);
    }
    const Histogram& ttft = c.latencies.ttft;
    table.add({c.name, human::count(c.completed), human::count(c.rejected),
               time_of_ms(mean_ms(ttft)), time_of_ms(quantile_ms(ttft, 0.99)),
               time_of_ms(mean_ms(c.latencies.tpot)), slo.empty() ? "-" : slo,
               has_slo(c) ? percent(slo_attainment(c)) : "-"});
  }
  return table.text();
}

std::string tier_text(const std::vector<TierSummary>& tiers) {
  Table table({"KV tier", "capacity", "mean full", "peak", "mean held", "peak", "lookups", "hits",
               "hit %"});
  for (const TierSummary& t : tiers) {
    table.add({t.name, human::bytes(t.capacity), human::bytes(t.mean_occupied),
               human::bytes(t.peak_occupied), human::bytes(t.mean_held), human::bytes(t.peak_held),
               human::compact(t.counters.lookups.count()), human::compact(t.counters.hits.count()),
               percent(hit_ratio(t.counters))});
  }
  return table.text() +
         "lookups and hits count prompt tokens; held: used by requests or transfers\n";
}

std::string tier_traffic_text(const std::vector<TierSummary>& tiers) {
  const auto any = [&tiers](std::int64_t TierCounters::*count) {
    return std::any_of(tiers.begin(), tiers.end(),
                       [count](const TierSummary& t) { return t.counters.*count > 0; });
  };
  const bool declined = any(&TierCounters::writes_declined);
  const bool dropped = any(&TierCounters::writes_dropped);
  std::vector<std::string> columns = {"KV traffic", "read",      "written",
                                      "loads",      "mean load", "writes skipped"};
  if (declined) columns.emplace_back("declined");
  if (dropped) columns.emplace_back("dropped");
  Table table(columns);
  for (std::size_t i = 1; i < tiers.size(); ++i) {  // HBM is where the others read to
    const TierCounters& c = tiers[i].counters;
    std::vector<std::string> row = {
        tiers[i].name,         human::bytes(c.read),        human::bytes(c.written),
        human::count(c.loads), time_of_ms(mean_load_ms(c)), human::count(c.writes_skipped)};
    if (declined) row.push_back(human::count(c.writes_declined));
    if (dropped) row.push_back(human::count(c.writes_dropped));
    table.add(row);
  }
  return table.text();
}

std::string prefetch_text(const std::vector<TierSummary>& tiers) {
  Table table(
      {"KV prefetch", "begun", "stopped", "blocks", "bytes", "used later", "evicted unused"});
  for (const TierSummary& t : tiers) {
    if (!t.prefetches) continue;
    const TierCounters& c = t.counters;
    table.add({t.name, human::count(c.prefetches), human::count(c.prefetches_stopped),
               human::count(c.prefetched_blocks), human::bytes(c.prefetched),
               human::count(c.prefetch_used), human::count(c.prefetch_unused)});
  }
  return table.rows() > 0 ? table.text() : std::string();
}

std::string link_text(const std::vector<LinkReport>& links) {
  Table table({"Link", "bytes", "transfers", "busy %", "mean queueing", "most at once"});
  for (const LinkReport& link : links) {
    if (link.transfers == 0) continue;
    table.add({link.name, human::bytes(link.bytes), human::count(link.transfers),
               human::percent(link.utilisation, 1),
               human::time(link.queueing.count() / static_cast<double>(link.transfers)),
               human::count(static_cast<std::int64_t>(link.peak))});
  }
  return table.rows() > 0 ? table.text() : std::string();
}

std::string ttft_text(const Summary& s) {
  double whole = 0;
  for (const double part : s.ttft_parts) whole += part;
  Table table({"Mean TTFT", "time", "%"});
  for (std::size_t i = 0; i < kTtftParts; ++i) {
    table.add(
        {kPartNames[i], human::time(s.ttft_parts[i]), human::percent(s.ttft_parts[i], whole)});
  }
  return table.text();
}

/// What the step times rest on that was not measured.
std::string caveat_text(const Summary& s) {
  std::string text;
  for (const std::string& caveat : s.caveats) text += paragraph("", "Step times: " + caveat + ".");
  if (s.extrapolated_steps > 0) {
    text +=
        paragraph("", fmt::format("Step times: {} of {} steps lie outside of what was measured.",
                                  human::count(s.extrapolated_steps), human::count(s.steps)));
  }
  return text;
}

}  // namespace

std::string render(const Summary& s, const ReportHeader& header) {
  std::vector<std::string> sections = {header_text(header)};
  if (s.all.completed > 0) sections.push_back(latency_text(s.all.latencies));
  sections.push_back(throughput_text(s));
  if (s.clients.size() > 1) sections.push_back(client_text(s));
  if (s.all.completed > 0) sections.push_back(ttft_text(s));
  if (!s.tiers.empty()) sections.push_back(tier_text(s.tiers));
  if (s.tiers.size() > 1) sections.push_back(tier_traffic_text(s.tiers));
  sections.push_back(prefetch_text(s.tiers));
  sections.push_back(link_text(s.links));
  if (!s.complete) sections.emplace_back("Stopped early: all figures are of the part that ran.\n");
  sections.push_back(caveat_text(s));
  sections.push_back(paragraph("", s.verdict.sentence));

  std::string text;
  for (const std::string& section : sections) {
    if (section.empty()) continue;
    if (!text.empty()) text += '\n';
    text += section;
  }
  return text;
}

}  // namespace terrace
