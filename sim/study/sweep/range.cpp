#include "sim/study/sweep/range.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "sim/base/text.hpp"

namespace terrace {
namespace {

constexpr double kFarApart = 4;  // the last over the first

struct Range : RangeText {
  std::size_t points = 0;
};

/// Where the step begins: at the last x or + that is not of an exponent, as in 1e+6; units have
/// neither.
std::size_t step_in(std::string_view text) {
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == 'x') return i;
    if (text[i] == '+' && (i == 0 || (text[i - 1] != 'e' && text[i - 1] != 'E'))) return i;
  }
  return std::string_view::npos;
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

/// Base units in the unit of both ends, if that is one.
template <class T>
double base_units(const std::string& first_unit, const std::string& last_unit) {
  if constexpr (std::is_same_v<T, double>) {
    return 1;
  } else {
    if (first_unit != last_unit) return 1;
    return config::Scalar<T>::magnitude(
        *config::Scalar<T>::parse(fmt::format("1 {}", first_unit)).value);
  }
}

/// Base units as text: in the unit of both ends if that is one, else in the one that suits it.
template <class T>
std::string format_as(const std::string& first_unit, const std::string& last_unit, double value) {
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
    if (first_unit != last_unit) return Scalar<T>::format(exact);
    const double number = value / base_units<T>(first_unit, last_unit);
    for (const std::string& digits : {fmt::format("{:.5g}", number), number_text(number)}) {
      std::string text = fmt::format("{} {}", digits, first_unit);
      if (Scalar<T>::parse(text).value == exact) return text;
    }
    return Scalar<T>::format(exact);
  }
}

template <class T>
double rounded_as(double unit, double value) {
  const std::string digits = fmt::format("{:.5g}", value / unit);
  const double rounded = config::Scalar<double>::parse(digits).value.value_or(value / unit) * unit;
  if constexpr (std::is_same_v<T, Bytes> || std::is_same_v<T, Duration>) {
    return std::round(rounded);
  } else {
    return rounded;
  }
}

using Values = config::Parsed<NumberRange>;

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
  std::vector<double> all;
  const double end = last + 1e-9 * std::abs(last);
  double value = first;
  for (std::size_t i = 1; value <= end; ++i) {
    if (all.size() == kMostValues) return wrong(fmt::format("it has over {} values", kMostValues));
    all.push_back(value);
    value = times ? value * step : first + static_cast<double>(i) * step;
  }
  const std::string first_unit(unit_of(range.first));
  const std::string last_unit(unit_of(range.last));
  const double unit = base_units<T>(first_unit, last_unit);
  return {NumberRange{std::move(all),
                      [=](double number) { return format_as<T>(first_unit, last_unit, number); },
                      [=](double number) { return rounded_as<T>(unit, number); }},
          {}};
}

/// So many values from one end to the other.
template <class T>
Values spread(Range range, double first, double last) {
  const auto gaps = static_cast<double>(range.points - 1);
  const bool ratios = first > 0 && last / first >= kFarApart;
  range.how = ratios ? 'x' : '+';
  if (!(first < last)) {
    return wrong(fmt::format("'{}' is not below '{}'", range.first, range.last));
  }
  Values all = steps<T>(range, first, last,
                        ratios ? std::pow(last / first, 1 / gaps) : (last - first) / gaps);
  std::vector<double>& values = all.value->values;
  std::transform(values.begin(), values.end(), values.begin(), all.value->rounded);
  values.front() = first;
  values.back() = last;
  return all;
}

/// Nothing if the ends are no Ts.
template <class T>
std::optional<Values> as(const Range& range) {
  using config::Scalar;
  const auto first = Scalar<T>::parse(range.first);
  const auto last = Scalar<T>::parse(range.last);
  if (!first.value || !last.value) return std::nullopt;
  if (range.how == 0) {
    return spread<T>(range, Scalar<T>::magnitude(*first.value), Scalar<T>::magnitude(*last.value));
  }
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

std::optional<RangeText> split_range(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const std::string_view rest = trimmed(text.substr(dots + 2));
  const std::size_t at = step_in(rest);
  RangeText range{trimmed(text.substr(0, dots)), trimmed(rest.substr(0, at)), 0, {}};
  if (range.first.empty() || range.last.empty()) return std::nullopt;
  if (at == std::string_view::npos) return range;
  range.how = rest[at];
  range.step = trimmed(rest.substr(at + 1));
  if (range.step.empty()) return std::nullopt;
  return range;
}

Values read_range(std::string_view text, std::size_t points) {
  const auto written = split_range(text);
  const auto range = written && (written->how != 0 || points != 0)
                         ? std::optional(Range{*written, points})
                         : std::nullopt;
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

config::Parsed<std::vector<std::string>> expand_range(std::string_view text) {
  const auto range = read_range(text);
  if (!range.value) return {std::nullopt, range.why};
  std::vector<std::string> texts;
  for (const double value : range.value->values) texts.push_back(range.value->text(value));
  return {std::move(texts), {}};
}

}  // namespace terrace
