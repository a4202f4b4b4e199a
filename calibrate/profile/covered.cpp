#include "calibrate/profile/covered.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/points.hpp"

namespace terrace::calibrate {
namespace {

/// Numbers from the least to the most, and words, of one thing that points say.
struct Values {
  std::optional<std::pair<double, double>> numbers;
  std::set<std::string> words;

  void add(const nlohmann::ordered_json& value) {
    if (!value.is_number()) {
      words.insert(value.is_string() ? value.get<std::string>() : value.dump());
      return;
    }
    const auto number = value.get<double>();
    if (!numbers) numbers = {number, number};
    numbers = {std::min(numbers->first, number), std::max(numbers->second, number)};
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    std::string all = name;
    if (numbers) {
      all += numbers->first == numbers->second
                 ? fmt::format(" {}", numbers->first)
                 : fmt::format(" {} to {}", numbers->first, numbers->second);
    }
    if (!words.empty()) all += fmt::format(" {}", fmt::join(words, "|"));
    return all;
  }
};

using Named = std::vector<std::pair<std::string, Values>>;  // in the order of the first point

Values& entry(Named& all, const std::string& name) {
  for (auto& [known, values] : all) {
    if (known == name) return values;
  }
  return all.emplace_back(name, Values{}).second;
}

}  // namespace

std::vector<Covered> covered(const MeasuredRun& run) {
  std::vector<Covered> all;
  std::vector<Named> values;  // by family
  for (const MeasuredPoint& point : run.points) {
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Covered& one) { return one.family == point.family; });
    const auto at = static_cast<std::size_t>(same - all.begin());
    if (at == all.size()) {
      all.push_back({.family = point.family});
      values.emplace_back();
    }
    Covered& one = all[at];
    if (!point.error.empty()) {
      ++one.failed;
      continue;
    }
    ++one.points;
    one.unstable += point.sample.stable ? 0U : 1U;
    one.drifted += point.drifted ? 1U : 0U;
    for (const auto& [key, value] : point.x.items()) {
      entry(values[at], std::string(PointTable::canonical(key))).add(value);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto& [name, range] : values[i]) all[i].ranges.push_back(range.text(name));
  }
  return all;
}

}  // namespace terrace::calibrate
