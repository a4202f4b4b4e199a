#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/app/hardware_profile.hpp"
#include "sim/app/output.hpp"
#include "sim/base/text.hpp"
#include "sim/fabric/number_source.hpp"
#include "sim/report/human.hpp"
#include "sim/report/json.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

using Json = nlohmann::ordered_json;

struct Number {
  double value;
  std::string_view unit;
};

/// "143771 MiB" as a number and its unit, "0.89" as a number alone; nothing of other texts.
std::optional<Number> number_of(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || (rest != end && *rest != ' ')) return std::nullopt;
  const auto digits = static_cast<std::size_t>(rest - text.data());
  return Number{value, rest == end ? std::string_view{} : text.substr(digits + 1)};
}

std::string shown(const Derived& figure) {
  return human::rate(figure.value) + (figure.unit.empty() ? "" : " " + figure.unit);
}

/// "[measured, 2026-10, high] nvidia-smi on an H200 SXM"
std::string shown_source(const std::string& text) {
  const auto source = NumberSource::parse(text);
  if (!source) return "[no source]";
  std::string label(source->kind);
  if (!source->date.empty()) label += fmt::format(", {}, {}", source->date, source->confidence);
  return fmt::format("[{}] {}", label, source->where);
}

/// A longer value takes a line of its own, and leaves the column to what it means.
constexpr std::size_t kWidestValue = 24;
constexpr std::size_t kWidestName = 40;

/// The widths of the two columns before the meaning.
struct Widths {
  std::size_t keys = 0;
  std::size_t values = 0;

  void fit(std::string_view key, std::string_view value) {
    keys = std::max(keys, key.size());
    if (value.size() <= kWidestValue) values = std::max(values, value.size());
  }
};

std::string row(std::string_view key, std::string_view value, const Widths& widths,
                std::string_view meaning) {
  const std::string label = fmt::format("{:<{}}  ", key, widths.keys);
  if (value.size() <= widths.values) {
    return paragraph(fmt::format("{}{:<{}}  ", label, value, widths.values), meaning);
  }
  return paragraph(label, value) +
         paragraph(std::string(label.size() + widths.values + 2, ' '), meaning);
}

/// A line for each figure, and below those that share a source, that source.
std::string figures_text(const HardwareProfile& profile, const Widths& widths) {
  std::string text;
  for (std::size_t i = 0; i < profile.figures.size(); ++i) {
    const Figure& one = profile.figures[i];
    text += row(one.key, escape_controls(one.value), widths, one.doc);
    const bool last =
        i + 1 == profile.figures.size() || profile.figures[i + 1].source != one.source;
    if (!last || (one.source.empty() && !number_of(one.value))) continue;
    text += paragraph("    ", escape_controls(shown_source(one.source)));
  }
  return text;
}

std::string capacities_text(const HardwareProfile& profile) {
  constexpr std::array<std::string_view, 5> kShown{"read", "write", "write_iops", "rated_writes",
                                                   "price_typical"};
  const auto is_shown = [&](const Derived& figure) {
    return std::find(kShown.begin(), kShown.end(), figure.key) != kShown.end();
  };
  std::vector<std::string> heads{"capacity"};
  for (const Derived& figure : profile.capacities.front().figures) {
    if (is_shown(figure)) heads.push_back(fmt::format("{} {}", figure.key, figure.unit));
  }
  heads.emplace_back("source");
  Table table(heads);
  for (const SoldCapacity& sold : profile.capacities) {
    std::vector<std::string> cells{sold.capacity};
    for (const Derived& figure : sold.figures) {
      if (is_shown(figure)) cells.push_back(human::rate(figure.value));
    }
    const auto source = NumberSource::parse(sold.source);
    cells.emplace_back(source ? source->kind : "-");
    table.add(std::move(cells));
  }
  return table.text();
}

std::string text_of(const HardwareProfile& profile) {
  Widths widths;
  for (const Figure& one : profile.figures) widths.fit(one.key, escape_controls(one.value));
  for (const Derived& one : profile.derived) widths.fit(one.key, shown(one));
  const std::string name = fmt::format("{}/{}:", profile.kind, profile.name);
  const std::string title = escape_controls(profile.title);
  std::string text = name.size() > kWidestName ? name + "\n" + paragraph("  ", title)
                                               : paragraph(name + " ", title);
  text += paragraph("  ", escape_controls(profile.summary)) + fmt::format("  {}\n\n", profile.file);
  text += figures_text(profile, widths) + "\nWhat follows from them\n";
  for (const Derived& one : profile.derived) {
    text += row(one.key, shown(one), widths, one.how);
  }
  if (!profile.capacities.empty()) {
    text += "\nBy capacity, and where what depends on it is from\n" + capacities_text(profile);
  }
  return text;
}

Json json_of_value(const std::string& value) {
  Json json = Json::object();
  if (const auto number = number_of(value)) {
    constexpr double kExact = 9e15;  // whole numbers below are written without a point
    const bool whole =
        std::abs(number->value) < kExact && number->value == std::floor(number->value);
    json["value"] = whole ? Json(static_cast<std::int64_t>(number->value)) : Json(number->value);
    if (!number->unit.empty()) json["unit"] = number->unit;
  } else {
    json["value"] = value;
  }
  return json;
}

Json json_of_source(const std::string& text) {
  const auto source = NumberSource::parse(text);
  if (!source) return nullptr;
  Json json = {{"kind", source->kind}, {"where", source->where}};
  if (!source->date.empty()) {
    json["date"] = source->date;
    json["confidence"] = source->confidence;
  }
  return json;
}

Json json_of(const std::vector<Derived>& figures) {
  Json all = Json::array();
  for (const Derived& one : figures) {
    Json json = {{"key", one.key}, {"value", one.value}};
    if (!one.unit.empty()) json["unit"] = one.unit;
    json["meaning"] = one.how;
    all.push_back(std::move(json));
  }
  return all;
}

Json json_of(const HardwareProfile& profile) {
  Json figures = Json::array();
  for (const Figure& one : profile.figures) {
    Json json = {{"key", one.key}};
    json.update(json_of_value(one.value));
    json["meaning"] = one.doc;
    json["source"] = json_of_source(one.source);
    figures.push_back(std::move(json));
  }
  Json json = {{"kind", profile.kind},
               {"name", profile.name},
               {"title", profile.title},
               {"summary", profile.summary},
               {"file", profile.file},
               {"figures", figures},
               {"derived", json_of(profile.derived)}};
  if (profile.capacities.empty()) return json;
  json["capacities"] = Json::array();
  for (const SoldCapacity& sold : profile.capacities) {
    Json entry = {{"capacity", json_of_value(sold.capacity)}, {"figures", json_of(sold.figures)}};
    entry["source"] = json_of_source(sold.source);
    json["capacities"].push_back(std::move(entry));
  }
  return json;
}

ExitCode run(const Arguments& arguments) {
  const HardwareProfile profile =
      find_hardware(open_catalogue(arguments), *arguments.positional(1));
  print(arguments.has("json") ? json_text(json_of(profile)) : text_of(profile));
  return ExitCode::ok;
}

constexpr std::array<std::string_view, 1> kActions = {"show"};
constexpr std::array kPositionals = {
    Positional{"ACTION", "one of", true, Words::choice, kActions},
    Positional{"NAME",
               "of 'terrace list gpus', hosts, ssds, networks or machines; a machine's FILE.yaml"}};
constexpr std::array kOptions = {
    Option{"json", "", "print it as JSON: numbers, units and sources apart"}, kCatalogOption};

}  // namespace

constinit const Verb kHw = {
    .name = "hw",
    .summary = "the numbers of a piece of hardware, where they come from and what follows",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "Each number with its unit, its meaning, and in brackets whether it was measured, fitted,\n"
        "read off a datasheet or assumed, when, and how sure that is: high if it was seen there,\n"
        "medium if it was not checked again, low if it is an estimate. Prices are of their "
        "date.\n\n"
        "  terrace hw show h200-sxm\n"
        "  terrace hw show solidigm-d7-ps1010 --json\n"
        "  terrace list ssds\n",
    .run = run};

}  // namespace terrace::app
