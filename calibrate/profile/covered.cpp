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

}  // namespace

std::vector<Covered> covered(const MeasuredRun& run) {
  std::vector<Covered> all;
  std::vector<std::vector<std::pair<std::string, Values>>> values;
  for (const MeasuredPoint& point : run.points) {
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Covered& one) { return one.family == point.family; });
    const auto at = static_cast<std::size_t>(same - all.begin());
    if (same == all.end()) {
      all.push_back({.family = point.family});
      values.emplace_back();
    }
    Covered& one = all[at];
    if (!point.error.empty()) {
      ++one.failed;
      continue;
    }
    ++one.points;
    one.unstable += point.sample.stable ? 0 : 1;
    one.drifted += point.drifted ? 1 : 0;
    for (const auto& [key, value] : point.x.items()) {
      const std::string name(PointTable::canonical(key));
      const auto known = std::find_if(values[at].begin(), values[at].end(),
                                      [&](const auto& entry) { return entry.first == name; });
      if (known == values[at].end()) values[at].emplace_back(name, Values{});
      (known == values[at].end() ? values[at].back() : *known).second.add(value);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto& [name, range] : values[i]) all[i].ranges.push_back(range.text(name));
  }
  return all;
}

}  // namespace terrace::calibrate
