#include "sim/study/sweep/spec.hpp"

#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "sim/base/text.hpp"
namespace terrace {

void describe(config::Fields& f, SweepKeySpec& key) {
  f.tree("key", key.key, "a key of the scenario, as in tiers[0].capacity", "string", true);
  f.tree("values", key.values,
         "what it is set to in turn: a list, or a range such as 1GiB..1TiB x2 or 4..64 +4",
         "string or array", true);
}

void describe(config::Fields& f, SweepAxisSpec& axis) {
  f.tree("key", axis.one.key, "a key of the scenario, as in tiers[0].capacity", "string");
  f.tree("values", axis.one.values,
         "what it is set to in turn: a list, or a range such as 1GiB..1TiB x2 or 4..64 +4",
         "string or array");
  f.list("zip", axis.zip, "keys that move together: the n-th values of all");
  const bool key = axis.one.key.kind != config::Node::Kind::null;
  const bool values = axis.one.values.kind != config::Node::Kind::null;
  f.check(!axis.zip.empty() || (key && values), "key",
          !key && !values ? "an axis needs 'key' and 'values', or 'zip'"
          : key           ? "the axis lacks its 'values'"
                          : "the axis lacks its 'key'",
          "as in {key: serving.replicas, values: [1, 2]}");
  f.check(axis.zip.empty() || (!key && !values), "zip", "an axis has a key or a zip, not both",
          "put the key into the zip, or into an axis of its own");
}

void describe(config::Fields& f, SweepRepeat& repeat) {
  f.tree("seeds", repeat.seeds,
         "how many, counted from the scenario's seed, or a list; every arm runs with the same",
         "integer or array", true);
}

void describe(config::Fields& f, SweepSpec& sweep) {
  f.tree("scenario", sweep.scenario, "a file, beside this one, or a name of the catalogue",
         "string", true);
  f.tree("set", sweep.set, "values for every run, by key, as in {serving.replicas: 2}", "object");
  f.list("axes", sweep.axes, "what is varied; every combination runs, the last axis fastest", true);
  f.object("repeat", sweep.repeat, "how often every combination runs");
  f.tree("metrics", sweep.metrics, "what is reported; terrace list metrics", "array");
  f.tree("rank_by", sweep.rank_by, "the metric that arms are ranked by", "string");
  f.tree("pareto", sweep.pareto, "metrics that are traded off against each other", "array");
}

namespace {

struct Range {
  std::string_view first;
  std::string_view last;
  char how = 0;  // 'x' or '+'
  std::string_view step;
};

std::optional<Range> split(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const std::string_view rest = trimmed(text.substr(dots + 2));
  // The step is the last " x" or " +": units have no such thing in them.
  const auto multiplied = rest.rfind(" x");
  const auto added = rest.rfind(" +");
  const auto at = multiplied == std::string_view::npos ? added : multiplied;
  if (at == std::string_view::npos) return std::nullopt;
  const Range range{trimmed(text.substr(0, dots)), trimmed(rest.substr(0, at)), rest[at + 1],
                    trimmed(rest.substr(at + 2))};
  if (range.first.empty() || range.last.empty() || range.step.empty()) return std::nullopt;
  return range;
}

/// Without the noise that adding and multiplying leaves in the last digits.
double tidy(double value) {
  return config::Scalar<double>::parse(fmt::format("{:.12g}", value)).value.value_or(value);
}

std::string number_text(double value) {
  const double tidied = tidy(value);
  const bool whole = std::floor(tidied) == tidied && std::abs(tidied) < 9e15;
  return whole ? fmt::format("{}", static_cast<std::int64_t>(tidied)) : fmt::format("{}", tidied);
}

/// What follows the number: "GiB".
std::string_view unit_of(std::string_view text) {
  const auto end = text.find_last_of("0123456789.");
  return end == std::string_view::npos ? text : trimmed(text.substr(end + 1));
}

/// Base units as text: in the unit of both ends if that is one, else in the one that suits it.
template <class T>
std::string format_as(const Range& range, double value) {
  using config::Scalar;
  if constexpr (std::is_same_v<T, double>) {
    return number_text(value);
  } else {
    T exact{};
    if constexpr (std::is_integral_v<decltype(exact.count())>) {
      exact = T{std::llround(value)};
    } else {
      exact = T{tidy(value)};
    }
    const std::string_view unit = unit_of(range.first);
    if (unit != unit_of(range.last)) return Scalar<T>::format(exact);
    const double factor = Scalar<T>::magnitude(*Scalar<T>::parse(fmt::format("1 {}", unit)).value);
    const std::string text = fmt::format("{} {}", number_text(value / factor), unit);
    const auto back = Scalar<T>::parse(text);
    return back.value == exact ? text : Scalar<T>::format(exact);
  }
}

using Values = config::Parsed<std::vector<std::string>>;

Values wrong(std::string why) { return {std::nullopt, std::move(why)}; }

template <class T>
Values steps(const Range& range, double first, double last, double step) {
  if (last < first) {
    return wrong(fmt::format("it begins at '{}', above its end '{}'", range.first, range.last));
  }
  const bool times = range.how == 'x';
  if (times && !(step > 1)) return wrong(fmt::format("its factor x{} is not above 1", range.step));
  if (!times && !(step > 0)) return wrong(fmt::format("its step +{} is not above 0", range.step));
  if (times && !(first > 0)) {
    return wrong(fmt::format("multiplying '{}' leads nowhere; it must be above 0", range.first));
  }
  std::vector<std::string> all;
  const double end = last + 1e-9 * std::abs(last);
  double value = first;
  for (std::size_t i = 1; value <= end; ++i) {
    if (all.size() == kMostValues) return wrong(fmt::format("it has over {} values", kMostValues));
    all.push_back(format_as<T>(range, value));
    value = times ? value * step : first + static_cast<double>(i) * step;
  }
  return {std::move(all), {}};
}

/// Nothing if the ends are no Ts.
template <class T>
std::optional<Values> as(const Range& range) {
  using config::Scalar;
  const auto first = Scalar<T>::parse(range.first);
  const auto last = Scalar<T>::parse(range.last);
  if (!first.value || !last.value) return std::nullopt;
  double step = 0;
  if (range.how == 'x') {
    const auto factor = Scalar<double>::parse(range.step);
    if (!factor.value) return wrong(fmt::format("its factor: {}", factor.why));
    step = *factor.value;
  } else {
    const auto added = Scalar<T>::parse(range.step);
    if (!added.value) return wrong(fmt::format("its step: {}", added.why));
    step = Scalar<T>::magnitude(*added.value);
  }
  return steps<T>(range, Scalar<T>::magnitude(*first.value), Scalar<T>::magnitude(*last.value),
                  step);
}

}  // namespace

Values expand_range(std::string_view text) {
  const auto range = split(text);
  if (!range) return wrong("a range is written FIRST..LAST xFACTOR or FIRST..LAST +STEP");
  if (auto values = as<double>(*range)) return *std::move(values);
  if (auto values = as<Bytes>(*range)) return *std::move(values);
  if (auto values = as<Duration>(*range)) return *std::move(values);
  if (auto values = as<Frequency>(*range)) return *std::move(values);
  if (auto values = as<Bandwidth>(*range)) return *std::move(values);
  if (auto values = as<FlopRate>(*range)) return *std::move(values);
  return wrong(
      fmt::format("'{}' and '{}' are no two numbers of one kind", range->first, range->last));
}

}  // namespace terrace
