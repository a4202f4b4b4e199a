#include "calibrate/profile/comparison_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/base/text.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/human.hpp"
#include "sim/report/json.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr std::size_t kMostListed = 10;

std::string ratios_text(const Comparison& comparison) {
  Table table({"family", "regime", "points", "interpolated", "P10", "median", "P90"});
  std::string_view last;
  for (const RegimeRatio& one : comparison.ratios) {
    table.add({last == one.family ? "" : escape_controls(one.family), escape_controls(one.regime),
               human::count(one.pairs), human::count(one.interpolated),
               fmt::format("{:.3f}", one.p10), fmt::format("{:.3f}", one.median),
               fmt::format("{:.3f}", one.p90)});
    last = one.family;
  }
  return table.rows() > 0 ? table.text() : "";
}

/// Of tables, only what has the shape of a point counts.
std::string paired_text(const Comparison& comparison) {
  return fmt::format("\n{} points are in both; {} in one of them alone\n", comparison.pairs.size(),
                     comparison.only_a.size() + comparison.only_b.size());
}

std::string only_text(const std::vector<std::string>& ids, const std::string& whose) {
  if (ids.empty()) return {};
  std::string text = fmt::format("\nOnly in {}: {} points\n", whose, ids.size());
  for (std::size_t i = 0; i < ids.size() && i < kMostListed; ++i) {
    text += fmt::format("  {}\n", escape_controls(ids[i]));
  }
  if (ids.size() > kMostListed) {
    text += fmt::format("  and {} more\n", ids.size() - kMostListed);
  }
  return text;
}

std::string environment_text(const Comparison& comparison) {
  if (comparison.environment.empty()) return {};
  std::string text = "\nWhat differs between the machines\n";
  const auto shown = [](const std::string& value) {
    return value.empty() ? std::string("not said") : escape_controls(value);
  };
  for (const FactDifference& one : comparison.environment) {
    text += paragraph(fmt::format("  {:<22}  ", escape_controls(one.key)),
                      fmt::format("{} / {}", shown(one.a), shown(one.b)));
  }
  return text;
}

std::string interval(const LawParameter& one) {
  const auto shown = [&](double value) { return text_of(one.unit, as_kept(one.unit, value)); };
  return fmt::format("{} ({} to {})", shown(one.found.value), shown(one.found.low),
                     shown(one.found.high));
}

std::string gaps_text(const Comparison& comparison) {
  if (comparison.gaps.empty()) return {};
  std::string text = "\nParameters whose 95 % intervals do not overlap\n";
  for (const ParameterGap& gap : comparison.gaps) {
    text += paragraph(fmt::format("  {}: {}: ", gap.law, gap.a.name),
                      fmt::format("{} / {}", interval(gap.a), interval(gap.b)));
  }
  return text;
}

Json json_of(const LawParameter& one) {
  return {{"value", finite(one.found.value)},
          {"low", finite(one.found.low)},
          {"high", finite(one.found.high)}};
}

}  // namespace

std::string comparison_text(const Comparison& comparison, const std::string& a,
                            const std::string& b) {
  return fmt::format("Time of {} over time of {}: above 1, {} is slower\n", b, a, b) +
         ratios_text(comparison) + paired_text(comparison) + only_text(comparison.only_a, a) +
         only_text(comparison.only_b, b) + environment_text(comparison) + gaps_text(comparison);
}

std::string comparison_json(const Comparison& comparison, const std::string& a,
                            const std::string& b) {
  Json json = {{"schema_version", kSchemaVersion}, {"a", a}, {"b", b}};
  json["ratios"] = Json::array();
  for (const RegimeRatio& one : comparison.ratios) {
    json["ratios"].push_back({{"family", one.family},
                              {"regime", one.regime},
                              {"points", one.pairs},
                              {"interpolated", one.interpolated},
                              {"p10", one.p10},
                              {"median", one.median},
                              {"p90", one.p90}});
  }
  json["pairs"] = Json::array();
  for (const PointPair& one : comparison.pairs) {
    json["pairs"].push_back({{"id", one.id},
                             {"family", one.family},
                             {"regime", one.regime},
                             {"unit", one.unit},
                             {"a", one.a},
                             {"b", one.b},
                             {"ratio", one.slower},
                             {"interpolated", one.interpolated}});
  }
  json["only_a"] = comparison.only_a;
  json["only_b"] = comparison.only_b;
  json["environment"] = Json::array();
  for (const FactDifference& one : comparison.environment) {
    json["environment"].push_back({{"key", one.key}, {"a", one.a}, {"b", one.b}});
  }
  json["parameters"] = Json::array();
  for (const ParameterGap& gap : comparison.gaps) {
    json["parameters"].push_back(
        {{"law", gap.law}, {"name", gap.a.name}, {"a", json_of(gap.a)}, {"b", json_of(gap.b)}});
  }
  return json_text(json);
}

void write_comparison_csv(const Comparison& comparison, const std::filesystem::path& path) {
  replace_csv(path, [&](CsvFile& csv) {
    for (const char* head : {"id", "family", "regime", "unit", "a", "b", "ratio", "interpolated"}) {
      csv.text(head);
    }
    csv.end_row();
    for (const PointPair& one : comparison.pairs) {
      csv.text(one.id);
      csv.text(one.family);
      csv.text(one.regime);
      csv.text(one.unit);
      csv.number(one.a);
      csv.number(one.b);
      csv.number(one.slower);
      csv.text(one.interpolated ? "true" : "false");
      csv.end_row();
    }
  });
}

}  // namespace terrace::calibrate
