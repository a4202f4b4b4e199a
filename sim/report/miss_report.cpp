#include "sim/report/miss_report.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/base/text.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSecondsPerPs = 1e-12;

std::optional<MissReport::Times> times(const Histogram& picoseconds) {
  if (picoseconds.empty()) return std::nullopt;
  const auto quantile = [&](double q) {
    return static_cast<double>(picoseconds.quantile(q)) * kSecondsPerPs;
  };
  return MissReport::Times{picoseconds.mean() * kSecondsPerPs, quantile(0.5), quantile(0.9)};
}

double share(const MissReport::Line& line, const MissReport& report) {
  return static_cast<double>(line.tokens) / static_cast<double>(report.missed);
}

Json times_json(const std::optional<MissReport::Times>& times) {
  if (!times) return nullptr;
  Json out;
  out["mean"] = times->mean;
  out["p50"] = times->p50;
  out["p90"] = times->p90;
  return out;
}

void add_times(CsvFile& file, const std::optional<MissReport::Times>& times) {
  if (!times) {
    for (int i = 0; i < 3; ++i) file.nothing();
    return;
  }
  file.number(times->mean);
  file.number(times->p50);
  file.number(times->p90);
}

/// What could turn such misses into hits, if anything.
std::string advice(const MissReport::Line& line) {
  const std::string& x = line.where;
  switch (line.cause) {
    case MissCause::never_seen:
      return "new text: no cache of this run can have it";
    case MissCause::evicted: {
      const std::string kept =
          line.idle && line.away
              ? fmt::format("kept {} after its last use, wanted again after {} (p50): ",
                            human::time(line.idle->p50), human::time(line.away->p50))
              : std::string();
      return kept + (x == "hbm" ? "a tier below to catch it, or more HBM for KV"
                                : fmt::format("a larger {}, or an eviction policy that keeps what "
                                              "comes back so late",
                                              x));
    }
    case MissCause::write_pending:
      return fmt::format(
          "wanted before it had arrived in {}: a faster way there, shorter queues, "
          "or write: through, which starts earlier",
          x);
    case MissCause::no_room:
      return fmt::format("every block of {} was in use when it was to be written: a larger {}", x,
                         x);
    case MissCause::queue_full:
      return fmt::format(
          "the writes to {} do not keep up: a faster way there, or a higher "
          "write_queue.limit",
          x);
    case MissCause::write_dropped:
      return fmt::format(
          "younger writes to {} took its place: a faster way there, a higher "
          "write_queue.limit, or when_full: block",
          x);
    case MissCause::below_uses:
      return fmt::format(
          "not yet used often enough to be written to {}: a lower write_uses, or "
          "write: through",
          x);
    case MissCause::admission_rule:
      return fmt::format("declined by the admission rule of {}: a laxer one, if there is room", x);
    case MissCause::eviction_policy:
      return fmt::format(
          "the eviction policy of {} preferred what it had: a larger {}, or another "
          "policy",
          x, x);
    case MissCause::partial_block:
      return x == "hbm" ? "behind the last full block of its prompt: only a smaller "
                          "serving.engine.block_size would help"
                        : fmt::format(
                              "{} takes whole blocks only, and this part never belonged to "
                              "one: a smaller block_size of {}",
                              x, x);
    case MissCause::last_token:
      return "the last block of a prompt is always computed, to have something to sample from";
    case MissCause::other_replica:
      return "another replica has it: router: prefix_aware, or a tier shared by all";
    case MissCause::prefix_broken:
      return "of no use without the block before it: see why that one was missed; policies that "
             "evict the tail of a prefix first leave fewer of these";
    case MissCause::behind_load:
      return "HBM is read up to its first gap only: a policy that evicts the tail of a prefix "
             "first";
    case MissCause::recompute_chosen:
      return "computing it was preferred to loading it: a faster way up from the tiers";
    case MissCause::no_caching:
      return "nothing is kept: serving.engine.enable_prefix_caching: true";
  }
  return {};
}

std::string time_cell(const std::optional<MissReport::Times>& times) {
  return times ? human::time(times->p50) : "-";
}

}  // namespace

MissReport make_miss_report(const Misses& misses) {
  MissReport report;
  report.looked_up = misses.looked_up.count();
  report.missed = misses.missed.count();
  for (const MissRow& row : misses.rows) {
    report.lines.push_back(
        {row.cause, row.where, row.requests, row.tokens.count(), times(row.idle), times(row.away)});
  }
  return report;
}

void sort_by_tokens(MissReport& report) {
  std::stable_sort(report.lines.begin(), report.lines.end(),
                   [](const auto& a, const auto& b) { return a.tokens > b.tokens; });
}

Json miss_json(const MissReport& report) {
  Json out;
  out["looked_up_tokens"] = report.looked_up;
  out["missed_tokens"] = report.missed;
  Json& causes = out["causes"] = Json::array();
  for (const MissReport::Line& line : report.lines) {
    Json& row = causes.emplace_back();
    row["cause"] = name_of(line.cause);
    row["where"] = line.where.empty() ? Json(nullptr) : Json(line.where);
    row["requests"] = line.requests;
    row["tokens"] = line.tokens;
    row["share"] = share(line, report);
    row["idle_s"] = times_json(line.idle);
    row["away_s"] = times_json(line.away);
  }
  return out;
}

void write_miss_csv(const std::filesystem::path& path, const MissReport& report) {
  CsvFile file(path);
  for (const char* column :
       {"cause", "where", "requests", "tokens", "share", "idle_mean_s", "idle_p50_s", "idle_p90_s",
        "away_mean_s", "away_p50_s", "away_p90_s"}) {
    file.quoted(column);
  }
  file.end_row();
  for (const MissReport::Line& line : report.lines) {
    file.quoted(name_of(line.cause));
    file.text(line.where);
    file.number(line.requests);
    file.number(line.tokens);
    file.number(share(line, report));
    add_times(file, line.idle);
    add_times(file, line.away);
    file.end_row();
  }
  file.close();
}

std::string partial_note(bool complete) {
  return complete ? "" : "PARTIAL: the run was stopped; this is of the part that ran\n";
}

std::string miss_text(const MissReport& report, const std::string& scenario, bool complete) {
  const std::string heading = fmt::format(
      "{}: {} of {} prompt tokens were missed ({} %)",
      scenario.empty() ? "terrace" : escape_controls(scenario), human::count(report.missed),
      human::count(report.looked_up),
      human::percent(static_cast<double>(report.missed), static_cast<double>(report.looked_up)));
  std::string text = paragraph("", heading);
  text += partial_note(complete);
  if (report.lines.empty()) return text;

  Table table({"Missed because", "where", "requests", "tokens", "share %", "idle p50", "away p50"});
  std::string advices;
  for (MissReport::Line line : report.lines) {
    line.where = escape_controls(line.where);
    const std::string cause(name_of(line.cause));
    table.add({cause, line.where.empty() ? "-" : line.where, human::count(line.requests),
               human::count(line.tokens),
               human::percent(static_cast<double>(line.tokens), static_cast<double>(report.missed)),
               time_cell(line.idle), time_cell(line.away)});
    const std::string who = line.where.empty() ? cause : cause + " " + line.where;
    advices += paragraph(fmt::format("  {}: ", who), advice(line));
  }
  text += '\n' + table.text();
  const auto evicted = [](const MissReport::Line& line) { return line.idle.has_value(); };
  if (std::any_of(report.lines.begin(), report.lines.end(), evicted)) {
    text += "idle: from its last use there until it was evicted; away: until it was missed\n";
  }
  return text + "\nWhat could help\n" + advices;
}

}  // namespace terrace
