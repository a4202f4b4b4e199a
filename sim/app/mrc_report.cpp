#include "sim/app/mrc_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "sim/app/mrc_part.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

constexpr std::size_t kCurvesPerTable = 8;

std::string percent(double part) { return fmt::format("{:.2f}", 100 * part); }

/// Eight levels from nothing to what an infinite cache hits.
std::string plot(const MrcPart& part) {
  constexpr std::array<std::string_view, 8> kLevels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::size_t kWidth = 32;
  const std::size_t columns = std::min(kWidth, part.points().size());
  std::string all;
  for (std::size_t i = 0; i < columns; ++i) {
    const MrcPart::Point& point = part.points()[(i + 1) * part.points().size() / columns - 1];
    if (!point) {
      all += ' ';
      continue;
    }
    const double level = part.best() > 0 ? part.usable_tokens(point->hits) / part.best() : 0;
    all += kLevels[static_cast<std::size_t>(std::clamp(std::lround(level * 7), 0L, 7L))];
  }
  return all;
}

std::string head_text(const MrcReport& report) {
  const StreamTotals& t = report.mrc.totals;
  std::string rule =
      report.stream.partial_blocks ? ", a prompt's last one even if not full" : ", only full ones";
  if (report.stream.outputs) rule += ", outputs written";
  std::string text = fmt::format("miss-ratio curves of {}\n", report.source);
  text +=
      paragraph("  stream  ", fmt::format("{} requests, {} prompt tokens; {} reads of blocks of "
                                          "{} tokens{}; {} distinct blocks",
                                          human::count(t.requests), human::count(t.prompt.count()),
                                          human::count(t.reads), report.stream.block_size.count(),
                                          rule, human::count(t.unique)));
  text += paragraph("  KV      ",
                    fmt::format("{} in {}: {} per block, {} for all distinct blocks", report.model,
                                report.kv_dtype, human::bytes(report.bytes_per_block),
                                human::bytes(bytes_of(report, t.unique))));
  text +=
      paragraph("  at best ",
                fmt::format("{} % of tokens, {} % of blocks hit in a cache without bounds; {} "
                            "compulsory misses",
                            percent(ratio(t.achievable.usable_tokens.count(), t.prompt.count())),
                            percent(ratio(t.achievable.usable_blocks, t.reads)),
                            human::count(t.compulsory_misses)));
  if (!report.left_out.empty()) {
    std::string all;
    for (const LeftOut& one : report.left_out) {
      all += fmt::format("{}{} ({})", all.empty() ? "" : ", ", one.policy, one.lacks);
    }
    text += paragraph("  without ", all + ": only an engine knows that, see 'terrace run'");
  }
  for (const MrcCurve& curve : report.mrc.curves) {
    if (curve.method != MrcMethod::shards) continue;
    double worst = 0;
    for (const MrcPart::Point& point : curve.points)
      worst = std::max(worst, point ? point->error : 0);
    text += paragraph(
        fmt::format("  {:<7} ", curve.policy),
        fmt::format("SHARDS, {:.4g} % of the blocks; standard error up to {:.2f} percentage points "
                    "(--exact for none)",
                    100 * curve.rate, 100 * worst * ratio(1, t.reads)));
  }
  return text;
}

/// One policy: everything about it.
std::string single_table(const MrcReport& report, const MrcPart& part) {
  const bool sampled = part.curve().method == MrcMethod::shards;
  std::vector<std::string> heads = {"capacity", "blocks", "tokens %", "blocks %", "any block %"};
  if (sampled) heads.emplace_back("+- %");
  Table table(std::move(heads));
  const std::int64_t reads = report.mrc.totals.reads;
  for (std::size_t i = 0; i < part.points().size(); ++i) {
    const std::int64_t capacity = part.capacities()[i];
    std::vector<std::string> row = {human::bytes(bytes_of(report, capacity)),
                                    human::count(capacity)};
    if (const MrcPart::Point& point = part.points()[i]) {
      row.push_back(percent(part.usable_tokens(point->hits)));
      row.push_back(percent(ratio(point->hits.usable_blocks, reads)));
      row.push_back(percent(ratio(point->hits.blocks, reads)));
      if (sampled) row.push_back(percent(point->error * ratio(1, reads)));
    } else {
      row.resize(sampled ? 6 : 5, "-");
    }
    table.add(std::move(row));
  }
  return table.text();
}

/// Several policies side by side.
std::string wide_table(const MrcReport& report, std::span<const MrcPart> parts) {
  std::vector<std::string> heads = {"capacity", "blocks"};
  for (const MrcPart& part : parts) heads.push_back(part.curve().policy);
  Table table(std::move(heads));
  const std::vector<std::int64_t>& capacities = parts.front().capacities();
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    std::vector<std::string> row = {human::bytes(bytes_of(report, capacities[i])),
                                    human::count(capacities[i])};
    for (const MrcPart& part : parts) {
      const MrcPart::Point& point = part.points()[i];
      row.push_back(point ? percent(part.usable_tokens(point->hits)) : "-");
    }
    table.add(std::move(row));
  }
  return table.text();
}

std::string shape_table(const MrcReport& report, const std::vector<MrcPart>& parts) {
  std::vector<std::string> heads = {"policy", "curve", "knee"};
  for (const double part : kShares) heads.push_back(fmt::format("{:.0f} %", 100 * part));
  Table table(std::move(heads));
  for (const MrcPart& part : parts) {
    const auto place = [&](std::optional<std::size_t> at) {
      return at ? human::bytes(bytes_of(report, part.capacities()[*at])) : std::string("-");
    };
    std::vector<std::string> row = {part.curve().policy + (part.curve().oracle ? " (oracle)" : ""),
                                    plot(part), place(part.knee_at())};
    for (const double share : kShares) row.push_back(place(part.reaches(share)));
    table.add(std::move(row));
  }
  return table.text();
}

}  // namespace

std::string mrc_text(const MrcReport& report) {
  std::string text = head_text(report);
  for (const MrcReport::Tier& tier : report.tiers) {
    const std::vector<MrcPart> parts = parts_of(report, tier);
    text += fmt::format("\n{} {}: hits before the first miss of their request, in % of all",
                        tier.name, tier.range);
    if (parts.size() == 1) {
      text += fmt::format("; {} ({})\n", parts[0].curve().policy, name_of(parts[0].curve().method));
      text += single_table(report, parts[0]);
    } else {
      text += " tokens\n";
      for (std::size_t i = 0; i < parts.size(); i += kCurvesPerTable) {
        const std::size_t count = std::min(kCurvesPerTable, parts.size() - i);
        text += (i > 0 ? "\n" : "") + wide_table(report, std::span(parts).subspan(i, count));
      }
    }
    text += "\nwhere the curve bends, and where it reaches so much of the best\n" +
            shape_table(report, parts);
  }
  return text;
}

}  // namespace terrace::app
