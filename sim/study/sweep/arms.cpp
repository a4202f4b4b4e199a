#include "sim/study/sweep/arms.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "sim/scenario/scenario.hpp"
#include "sim/study/identity.hpp"

namespace terrace {
namespace {

using config::Diagnostics;
using config::Node;
using config::Place;
using Error = Diagnostics::Error;

/// Reads arms, and finds out whose fault a mistake is.
class ArmReader {
 public:
  ArmReader(Node base, std::string scenario_path, const std::string& sweep_path,
            const std::vector<SweptAxis>& axes, const config::Catalogue& catalogue,
            Diagnostics& diagnostics)
      : base_(std::move(base)),
        scenario_path_(std::move(scenario_path)),
        beside_(std::filesystem::path(sweep_path).parent_path()),
        axes_(axes),
        catalogue_(catalogue),
        diagnostics_(diagnostics) {}

  Arm read(std::vector<std::size_t> choice) {
    Diagnostics found;
    Node root = base_;
    for (std::size_t a = 0; a < axes_.size(); ++a) lay(root, a, choice[a], found);
    Arm arm{std::move(choice),
            read_scenario(scenario_path_, root, catalogue_, found, &cache_).scenario};
    for (const Error& error : found.errors()) blame(arm.choice, error);
    if (found.ok()) check_unique(arm);
    resolve_trace(arm.scenario);
    return arm;
  }

 private:
  void lay(Node& root, std::size_t axis, std::size_t position, Diagnostics& found) const {
    for (const SweptKey& key : axes_[axis].keys) {
      config::apply_override(root, key.path, key.values[position], key.place, found);
    }
  }

  /// Reports each mistake once, where the user can mend it.
  void blame(const std::vector<std::size_t>& choice, const Error& error) {
    if (in_sweep(error.place)) {
      report(error);
      return;
    }
    if (const auto alone = without_axes(error.message)) {
      report(*alone);
      return;
    }
    // A value that makes the mistake alone is to blame; otherwise it takes several, and the last
    // one stands for them.
    std::size_t guilty = 0;
    while (guilty + 1 < axes_.size() && !alone(guilty, choice[guilty]).contains(error.message)) {
      ++guilty;
    }
    const Place place = place_of(guilty, choice[guilty]);
    if (blamed_.emplace(place.line, place.column, error.message).second) {
      report({place, fmt::format("{} (with {})", error.message, in_words(choice)), error.hint});
    }
  }

  [[nodiscard]] std::string in_words(const std::vector<std::size_t>& choice) const {
    std::string all;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      for (const SweptKey& key : axes_[a].keys) {
        all += fmt::format("{}{}={}", all.empty() ? "" : ", ", key.path, key.labels[choice[a]]);
      }
    }
    return all;
  }

  void report(const Error& error) {
    const auto& [place, message, hint] = error;
    if (seen_.emplace(place.source, place.line, place.column, message).second) {
      diagnostics_.error(place, message, hint);
    }
  }

  [[nodiscard]] Place place_of(std::size_t axis, std::size_t position) const {
    return axes_[axis].keys.front().values[position].place;
  }

  /// Whether it is in the text of the sweep, not of the scenario or the catalogue.
  [[nodiscard]] bool in_sweep(const Place& place) const {
    return place.source != nullptr && place.source == axes_.front().place.source;
  }

  /// The same mistake in the scenario as it is without any axis.
  std::optional<Error> without_axes(const std::string& message) {
    if (!plain_) {
      plain_.emplace();
      Diagnostics found;
      static_cast<void>(read_scenario(scenario_path_, base_, catalogue_, found, &cache_));
      for (const Error& error : found.errors()) plain_->emplace(error.message, error);
    }
    const auto same = plain_->find(message);
    if (same == plain_->end()) return std::nullopt;
    Error error = same->second;
    // What stands in the catalogue has been read for this question only.
    if (error.place.source != base_.place.source && !in_sweep(error.place)) {
      error.message = to_string(error.place) + ": " + error.message;
      error.place = base_.place;
    }
    return error;
  }

  /// The mistakes that one value makes alone.
  const std::set<std::string>& alone(std::size_t axis, std::size_t position) {
    const auto [at, fresh] = alone_.try_emplace({axis, position});
    if (fresh) {
      Diagnostics found;
      Node root = base_;
      lay(root, axis, position, found);
      static_cast<void>(read_scenario(scenario_path_, root, catalogue_, found, &cache_));
      for (const Error& error : found.errors()) at->second.insert(error.message);
    }
    return at->second;
  }

  /// Two arms that are one scenario would be run, and judged, as if they were two.
  void check_unique(const Arm& arm) {
    const auto [twin, fresh] =
        scenarios_.try_emplace(hash_of(resolved_yaml(arm.scenario)), arm.choice);
    if (fresh) return;
    for (std::size_t a = axes_.size(); a-- > 0;) {
      const std::size_t other = twin->second[a];
      if (other == arm.choice[a]) continue;
      const SweptKey& key = axes_[a].keys.front();
      report({place_of(a, arm.choice[a]),
              fmt::format("'{}' gives the same scenario as '{}'", key.labels[arm.choice[a]],
                          key.labels[other]),
              "remove one"});
      return;
    }
  }

  /// A trace that an axis names may lie beside the sweep file, too.
  void resolve_trace(Scenario& scenario) const {
    if (!scenario.workload.trace) return;
    std::string& path = scenario.workload.trace->path;
    std::error_code ignored;
    const std::filesystem::path beside = beside_ / path;
    if (!std::filesystem::exists(path, ignored) && std::filesystem::exists(beside, ignored)) {
      path = beside.string();
    }
  }

  Node base_;
  std::string scenario_path_;
  std::filesystem::path beside_;
  const std::vector<SweptAxis>& axes_;
  const config::Catalogue& catalogue_;
  Diagnostics& diagnostics_;
  config::EntryCache cache_;
  std::optional<std::map<std::string, Error>> plain_;
  std::map<std::pair<std::size_t, std::size_t>, std::set<std::string>> alone_;
  std::set<std::tuple<int, int, std::string>> blamed_;  // line, column, message
  std::set<std::tuple<const config::Source*, int, int, std::string>> seen_;
  std::map<std::string, std::vector<std::size_t>> scenarios_;
};

/// To the next combination, the last axis fastest; false after the last.
bool advance(std::vector<std::size_t>& choice, const std::vector<SweptAxis>& axes) {
  for (std::size_t a = axes.size(); a-- > 0;) {
    if (++choice[a] < axes[a].size()) return true;
    choice[a] = 0;
  }
  return false;
}

}  // namespace

std::vector<Arm> read_arms(const std::string& scenario_path, const std::string& sweep_path,
                           const Node& set, const std::vector<std::string>& sets,
                           const std::vector<SweptAxis>& axes, const config::Catalogue& catalogue,
                           Diagnostics& diagnostics) {
  Node base = config::parse_yaml(scenario_path, config::read_text_file(scenario_path), diagnostics);
  for (const Node::Member& member : set.members) {
    config::apply_override(base, member.key, member.value, member.place, diagnostics);
  }
  for (const std::string& text : sets) config::apply_override(base, text, diagnostics);
  if (!diagnostics.ok()) return {};
  ArmReader reader(std::move(base), scenario_path, sweep_path, axes, catalogue, diagnostics);
  std::vector<Arm> arms;
  std::vector<std::size_t> choice(axes.size(), 0);
  do arms.push_back(reader.read(choice));
  while (advance(choice, axes));
  return arms;
}

}  // namespace terrace
