#include "sim/study/sweep/plan.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/scenario/locate.hpp"
#include "sim/study/sweep/arms.hpp"
#include "sim/study/sweep/axes.hpp"
#include "sim/study/sweep/spec.hpp"

namespace terrace {
namespace {

using config::Diagnostics;
using config::Node;

constexpr std::size_t kMostSeeds = 1'000'000;

std::vector<std::int64_t> listed_seeds(const Node& list, Diagnostics& diagnostics) {
  std::vector<std::int64_t> seeds;
  for (const Node& item : list.items) {
    const auto seed = config::Scalar<std::int64_t>::parse(item.text);
    if (item.kind != Node::Kind::scalar || !seed.value) {
      diagnostics.error(item.place, "a seed must be a whole number", seed.why);
    } else if (std::find(seeds.begin(), seeds.end(), *seed.value) != seeds.end()) {
      diagnostics.error(item.place, fmt::format("the seed {} is repeated", *seed.value),
                        "the same seed gives the same results");
    } else {
      seeds.push_back(*seed.value);
    }
  }
  if (list.items.empty()) diagnostics.error(list.place, "a sweep needs a seed at least");
  return seeds;
}

/// How many seeds are asked for, counted from the scenario's; nothing if they are listed.
std::optional<std::size_t> counted_seeds(const Node& node, Diagnostics& diagnostics) {
  if (node.kind == Node::Kind::null) return 1;
  if (node.kind == Node::Kind::list) return std::nullopt;
  const auto count = config::Scalar<std::int64_t>::parse(node.text);
  if (!count.value || *count.value < 1 || *count.value > static_cast<std::int64_t>(kMostSeeds)) {
    diagnostics.error(
        node.place, fmt::format("'seeds' must be a list, or a count between 1 and {}", kMostSeeds),
        count.why);
    return 1;
  }
  return static_cast<std::size_t>(*count.value);
}

void check_size(const Node& axes_at, const std::vector<SweptAxis>& axes, std::size_t seeds,
                std::size_t most, Diagnostics& diagnostics) {
  std::size_t runs = seeds;
  bool over = runs > most;
  constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max() / 2;
  for (const SweptAxis& axis : axes) {
    const std::size_t size = std::max<std::size_t>(axis.size(), 1);
    runs = runs > kHuge / size ? kHuge : runs * size;
    over = over || runs > most;
  }
  if (!over) return;
  diagnostics.error(axes_at.place,
                    fmt::format("these axes make {} runs, more than {}",
                                runs == kHuge ? "countless" : fmt::format("{}", runs), most),
                    fmt::format("say --max-runs {} if they are meant", runs));
}

/// Metrics by name, each with where it is asked for.
class MetricChoice {
 public:
  MetricChoice(SweepPlan& plan, Diagnostics& diagnostics)
      : plan_(plan), diagnostics_(diagnostics), arms_are_right_(diagnostics.ok()) {}

  std::optional<std::size_t> find(const Node& name) {
    const auto found = std::find_if(plan_.known.begin(), plan_.known.end(),
                                    [&](const Metric& m) { return m.name == name.text; });
    if (name.kind == Node::Kind::scalar && found != plan_.known.end()) {
      return static_cast<std::size_t>(found - plan_.known.begin());
    }
    // Which tiers there are is only known of arms that could be read.
    if (!arms_are_right_ && name.text.starts_with("tier.")) return std::nullopt;
    std::vector<std::string_view> names;
    for (const Metric& metric : plan_.known) names.push_back(metric.name);
    const auto near = closest(name.text, names);
    diagnostics_.error(
        name.place, fmt::format("no metric is called '{}'", name.text),
        near ? fmt::format("did you mean '{}'?", *near) : "see 'terrace list metrics'");
    return std::nullopt;
  }

  /// One that tells better from worse.
  std::optional<std::size_t> find_directed(const Node& name) {
    const auto found = find(name);
    if (!found || plan_.known[*found].better != Better::neither) return found;
    diagnostics_.error(name.place,
                       fmt::format("neither more nor less '{}' is better in itself", name.text));
    return std::nullopt;
  }

  std::vector<std::size_t> find_all(const Node& list, bool directed) {
    std::vector<std::size_t> all;
    for (const Node& item : list.items) {
      const auto found = directed ? find_directed(item) : find(item);
      if (!found) continue;
      if (std::find(all.begin(), all.end(), *found) != all.end()) {
        diagnostics_.error(item.place, fmt::format("the metric '{}' is repeated", item.text));
      } else {
        all.push_back(*found);
      }
    }
    return all;
  }

  void report(std::size_t metric) {
    auto& reported = plan_.reported;
    if (std::find(reported.begin(), reported.end(), metric) == reported.end()) {
      reported.push_back(metric);
    }
  }

 private:
  SweepPlan& plan_;
  Diagnostics& diagnostics_;
  bool arms_are_right_;
};

constexpr const char* kDefaultMetrics[] = {
    "ttft_mean",          "ttft_p99",          "tpot_mean",        "e2e_mean",
    "request_throughput", "output_throughput", "prefix_hit_ratio", "preemptions"};

void choose_metrics(const SweepSpec& spec, SweepPlan& plan, Diagnostics& diagnostics) {
  MetricChoice choice(plan, diagnostics);
  const bool listed = spec.metrics.kind != Node::Kind::null;
  if (listed) {
    plan.reported = choice.find_all(spec.metrics, false);
    if (spec.metrics.items.empty()) diagnostics.error(spec.metrics.place, "no metric is named");
  } else {
    for (const char* name : kDefaultMetrics) {
      Node node;
      node.kind = Node::Kind::scalar;
      node.text = name;
      if (const auto metric = choice.find(node)) plan.reported.push_back(*metric);
    }
  }
  if (spec.rank_by.kind != Node::Kind::null) {
    plan.rank_by = choice.find_directed(spec.rank_by);
    if (plan.rank_by) choice.report(*plan.rank_by);
  } else {
    for (const std::size_t metric : plan.reported) {
      if (!plan.rank_by && plan.known[metric].better != Better::neither) plan.rank_by = metric;
    }
  }
  if (spec.pareto.kind == Node::Kind::null) return;
  plan.pareto = choice.find_all(spec.pareto, true);
  if (spec.pareto.items.size() < 2) {
    diagnostics.error(spec.pareto.place, "a trade-off needs two metrics at least");
  }
  for (const std::size_t metric : plan.pareto) choice.report(metric);
}

/// Names of all tiers that some arm has, HBM first.
std::vector<std::string> tiers_of(const std::vector<Arm>& arms) {
  std::vector<std::string> names = {"hbm"};
  for (const Arm& arm : arms) {
    for (const TierSpec& tier : arm.scenario.tiers) {
      if (std::find(names.begin(), names.end(), tier.name) == names.end()) {
        names.push_back(tier.name);
      }
    }
  }
  return names;
}

}  // namespace

Scenario SweepPlan::scenario_of(std::size_t run) const {
  Scenario scenario = arms[run / seeds.size()].scenario;
  scenario.seed = seeds[run % seeds.size()];
  return scenario;
}

std::string SweepPlan::name_of(const Arm& arm) const {
  std::string all;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    all += fmt::format("{}{}={}", all.empty() ? "" : ", ", columns[i].name, label(arm, i));
  }
  return all;
}

namespace {

/// What the tiers of a scenario file are called; mistakes in it are left to those who read it.
std::vector<std::string> tier_names(const std::string& path) {
  Diagnostics ignored;
  const Node root = config::parse_yaml(path, config::read_text_file(path), ignored);
  std::vector<std::string> names;
  const Node::Member* tiers = root.find("tiers");
  if (tiers == nullptr) return names;
  for (const Node& tier : tiers->value.items) {
    const Node::Member* name = tier.find("name");
    names.push_back(name != nullptr ? name->value.text : std::string());
  }
  return names;
}

}  // namespace

SweepPlan load_sweep(const std::string& path, const config::Catalogue& catalogue,
                     const SweepOverrides& overrides) {
  return parse_sweep(path, config::read_text_file(path), catalogue, overrides);
}

SweepPlan parse_sweep(const std::string& path, const std::string& text,
                      const config::Catalogue& catalogue, const SweepOverrides& overrides) {
  Diagnostics diagnostics;
  const Node root = config::parse_yaml(path, text, diagnostics);
  diagnostics.raise();
  SweepSpec spec;
  config::Reader(root, "the sweep", catalogue, diagnostics).read(spec);
  diagnostics.raise();

  SweepPlan plan;
  plan.name = std::filesystem::path(path).stem().string();
  plan.text = text;
  const Node& axes_at = root.find("axes")->value;
  std::vector<SweptAxis> axes = read_axes(spec, diagnostics);
  if (axes.empty()) {
    diagnostics.error(axes_at.place, "a sweep needs an axis at least",
                      "as in - {key: serving.replicas, values: [1, 2]}");
  }
  check_keys(spec, overrides.sets, axes, diagnostics);
  const Node seeds = spec.repeat.value_or(SweepRepeat{}).seeds;
  const auto count = counted_seeds(seeds, diagnostics);
  if (!count) plan.seeds = listed_seeds(seeds, diagnostics);
  const auto located = locate(kScenarioFile, spec.scenario.text,
                              std::filesystem::path(path).parent_path(), catalogue);
  if (!located.path) diagnostics.error(spec.scenario.place, located.why, located.hint);
  if (diagnostics.ok()) {
    plan.columns = columns_of(axes, tier_names(*located.path));
    apply_filters(axes, plan.columns, overrides.filters);
  }
  if (diagnostics.ok()) {
    check_size(axes_at, axes, count.value_or(plan.seeds.size()), overrides.most_runs, diagnostics);
  }
  diagnostics.raise();

  plan.columns = columns_of(axes, tier_names(*located.path));  // of what the filters have left
  for (const SweptAxis& axis : axes) plan.axis_sizes.push_back(axis.size());
  plan.arms =
      read_arms(*located.path, path, spec.set, overrides.sets, axes, catalogue, diagnostics);
  plan.known = all_metrics(tiers_of(plan.arms));
  choose_metrics(spec, plan, diagnostics);
  diagnostics.raise();
  for (std::size_t i = 0; i < count.value_or(0); ++i) {
    // Beyond the largest seed comes the smallest.
    const auto first = static_cast<std::uint64_t>(plan.arms.front().scenario.seed);
    plan.seeds.push_back(static_cast<std::int64_t>(first + i));
  }
  for (Arm& arm : plan.arms) arm.scenario.seed = plan.seeds.front();
  return plan;
}

std::size_t find_arm(const SweepPlan& plan, const std::string& text) {
  const auto fail = [&](const std::string& why) {
    return NoSuchArm(fmt::format("no arm is '{}': {}", text, why));
  };
  std::vector<std::size_t> left(plan.arms.size());
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
  for (const std::string& part : split_list(text)) {
    const auto equals = part.find('=');
    const std::string key = part.substr(0, equals);
    std::vector<std::string_view> names;
    std::size_t column = plan.columns.size();
    for (std::size_t i = 0; i < plan.columns.size(); ++i) {
      names.push_back(plan.columns[i].path);
      if (plan.columns[i].path == key || plan.columns[i].name == key) column = i;
    }
    if (equals == std::string::npos || column == plan.columns.size()) {
      const auto near = closest(key, names);
      throw fail(fmt::format(
          "'{}' is no key of an axis; {} '{}'", key, near ? "did you mean" : "expected one of",
          near ? std::string(*near) : fmt::format("{}", fmt::join(names, ", "))));
    }
    const std::string label = part.substr(equals + 1);
    const auto& labels = plan.columns[column].labels;
    if (std::none_of(labels.begin(), labels.end(),
                     [&](const std::string& l) { return same_label(l, label); })) {
      throw fail(
          fmt::format("'{}' has no value '{}'; it has: {}", key, label, fmt::join(labels, ", ")));
    }
    std::erase_if(left, [&](std::size_t arm) {
      return !same_label(plan.label(plan.arms[arm], column), label);
    });
  }
  if (left.empty()) throw fail("no combination of these values runs");
  if (left.size() > 1) {
    throw fail(fmt::format("{} arms fit, '{}' and '{}' among them; name more keys", left.size(),
                           plan.name_of(plan.arms[left[0]]), plan.name_of(plan.arms[left[1]])));
  }
  return left.front();
}

}  // namespace terrace
