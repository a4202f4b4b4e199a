#include "sim/app/knob.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/app/scenario_options.hpp"
#include "sim/app/study_options.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/study/load/capacity.hpp"
#include "sim/study/sweep/range.hpp"

namespace terrace::app {
namespace {

constexpr std::size_t kUsualPoints = 9;
constexpr std::size_t kMostPoints = 1000;

struct Vary {
  std::string key;
  NumberRange range;
};

NumberRange range_of(const std::string& key, std::string_view text) {
  const auto parsed = read_range(text, kUsualPoints);
  if (!parsed.value) {
    throw UsageError(fmt::format(
        "--vary {}: '{}' is no range of numbers ({}); write it as in load=0.5..4, "
        "'load=0.5..4 x1.2' or 'tiers[0].capacity=16GiB..128GiB +16GiB'. For names such as "
        "policies, and for lists of values, there is 'terrace sweep'",
        key, text, parsed.why));
  }
  if (parsed.value->values.size() < 2 || parsed.value->values.size() > kMostPoints) {
    throw UsageError(fmt::format("--vary {}: '{}' has {} values; it takes 2 to {}", key, text,
                                 parsed.value->values.size(), kMostPoints));
  }
  return *parsed.value;
}

Vary vary_of(const Arguments& arguments) {
  const auto text = arguments.value(kVaryOption.name);
  if (!text) {
    throw UsageError(
        "what is to be turned? --vary load=0.5..4, or a key of the scenario, as in "
        "--vary 'tiers[0].capacity=16GiB..128GiB'");
  }
  const std::string_view words = *text;
  const auto equals = words.find('=');
  const std::string key(trimmed(words.substr(0, equals)));
  if (equals == std::string::npos || key.empty()) {
    throw UsageError(
        fmt::format("--vary '{}' is not KEY=RANGE; write it as in load=0.5..4", *text));
  }
  return {key, range_of(key, trimmed(words.substr(equals + 1)))};
}

/// Whether `key` is the end of `path`, from a dot on.
bool ends_in(const std::string& path, const std::string& key) {
  return path == key || path.ends_with("." + key);
}

/// Whether a value of the scenario is something to turn.
bool is_number(const std::string& value) {
  return value == "unlimited" || (!value.empty() && value.find_first_of("0123456789.-") == 0);
}

/// Throws UsageError for what is no number, or means nothing as a knob.
void check_turnable(const config::Resolved& value) {
  if (value.path == "seed") {
    throw UsageError("--vary: the seed is no knob; 'terrace capacity --seeds' tries several");
  }
  if (!is_number(value.value)) {
    throw UsageError(
        fmt::format("--vary: '{}' is no number but '{}'; 'terrace sweep' compares "
                    "names and lists",
                    value.path, value.value));
  }
}

/// What a run is judged by does not move with it.
void check_no_slo(const std::string& path) {
  if (path.find(".slo.") == std::string::npos) return;
  throw UsageError(fmt::format(
      "--vary: '{}' is what a run is judged by, not what it does; give the bounds with --slo, or "
      "see 'terrace capacity'",
      path));
}

/// The one path of the scenario that ends so; the key itself if none does, which may still be one
/// that was left out.
std::string full_path(const std::string& key, const LoadedScenario& loaded) {
  std::vector<std::string> found;
  std::set<std::string> known;
  for (const config::Resolved& value : loaded.values) {
    if (value.path == key) {
      check_turnable(value);
      return key;
    }
    if (ends_in(value.path, key) && is_number(value.value)) found.push_back(value.path);
    known.insert(value.path);
    known.insert(value.path.substr(value.path.rfind('.') + 1));
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    throw UsageError(
        fmt::format("--vary: '{}' could be any of {}; say which", key, fmt::join(found, ", ")));
  }
  if (key.find('.') == std::string::npos) {
    known.insert({"load", "rate", "users"});
    const std::vector<std::string_view> names(known.begin(), known.end());
    const auto near = closest(key, names);
    throw UsageError(fmt::format(
        "--vary: the scenario has no '{}'; {}", key,
        near ? fmt::format("did you mean '{}'?", *near)
             : "it takes load, rate, users or a key such as tiers[0].capacity; 'terrace config "
               "explain' lists those of a scenario"));
  }
  return key;
}

/// A knob on the load: by which factor it is turned at each of its numbers.
std::optional<double> numbers_per_load(const std::string& key, const Scenario& scenario) {
  if (key == "load") return 1;
  if (key == "rate") {
    const auto rate = offered_rate(scenario);
    if (!rate) {
      throw UsageError(
          "--vary rate: the scenario does not say at what rate requests come; turn "
          "'load', a factor on what it has");
    }
    return rate->count();
  }
  if (key == "users" && users_in(scenario) > 0) return static_cast<double>(users_in(scenario));
  return std::nullopt;
}

Scenario with_requests(const Scenario& scenario, std::optional<std::int64_t> requests) {
  return requests ? searchable(scenario, requests) : scenario;
}

/// Whether the key takes nothing but whole numbers: tokens, seats.
bool is_whole(const NumberRange& range, const std::function<Scenario(double)>& scenario) {
  const double first = range.values.front();
  if (std::any_of(range.values.begin(), range.values.end(),
                  [&](double v) { return range.text(v) != fmt::format("{}", v); }) &&
      std::floor(first) != first) {
    return false;
  }
  const auto reads = [&](double value) {
    try {
      static_cast<void>(scenario(value));
      return true;
    } catch (const config::ConfigError&) {
      return false;
    }
  };
  return reads(first) && !reads(first + 0.5) && reads(range.values.back());
}

}  // namespace

TurnedKnob read_knob(const Arguments& arguments, const config::Catalogue& catalogue) {
  const Vary vary = vary_of(arguments);
  const auto name = arguments.positional(0);
  const auto requests = requests_of(arguments);
  const LoadedScenario loaded = load_chosen(arguments, name, catalogue);
  TurnedKnob turned{{vary.key, vary.range.text, {}, vary.range.rounded, false},
                    vary.range.values,
                    loaded.scenario};
  if (const auto per_load = numbers_per_load(vary.key, loaded.scenario)) {
    if (!(turned.values.front() > 0)) {
      throw UsageError(fmt::format("--vary {}: a load begins above 0", vary.key));
    }
    turned.knob.whole = vary.key == "users";
    turned.knob.scenario = [fixed = searchable(loaded.scenario, requests), per_load = *per_load](
                               double value) { return scaled_load(fixed, value / per_load); };
  } else {
    turned.knob.name = full_path(vary.key, loaded);
    check_no_slo(turned.knob.name);
    const Shorthand knob{kVaryOption.name, turned.knob.name};
    check_each_counts(arguments, {}, std::span(&knob, 1));
    if (turned.knob.name == kSeedOption.name && arguments.has(kSeedOption.name)) {
      throw UsageError("--vary seed and --seed exclude each other");
    }
    turned.knob.scenario = [=, &arguments, &catalogue, text = vary.range.text,
                            path = turned.knob.name](double value) {
      const std::string set = fmt::format("{}={}", path, text(value));
      return with_requests(load_chosen(arguments, name, catalogue, {set}).scenario, requests);
    };
    turned.knob.whole = is_whole(vary.range, turned.knob.scenario);
  }
  if (turned.knob.whole) {
    for (double& value : turned.values) value = std::round(value);
    turned.values.erase(std::unique(turned.values.begin(), turned.values.end()),
                        turned.values.end());
  }
  return turned;
}

}  // namespace terrace::app
