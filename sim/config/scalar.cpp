#include "sim/config/scalar.hpp"

#include <charconv>
#include <limits>
#include <span>
#include <system_error>

#include <fmt/format.h>

namespace terrace::config {
namespace {

struct Unit {
  std::string_view symbol;
  double factor;
};

// The first unit of each table is the base unit; format() uses the largest that divides evenly.
constexpr Unit kSizes[] = {{"B", 1},
                           {"kB", 1e3},
                           {"KiB", 1024.0},
                           {"MB", 1e6},
                           {"MiB", 1048576.0},
                           {"GB", 1e9},
                           {"GiB", 1073741824.0},
                           {"TB", 1e12},
                           {"TiB", 1099511627776.0},
                           {"PB", 1e15}};
constexpr Unit kRates[] = {
    {"B/s", 1},         {"kB/s", 1e3}, {"MB/s", 1e6},           {"MiB/s", 1048576.0},
    {"Gbit/s", 1.25e8}, {"GB/s", 1e9}, {"GiB/s", 1073741824.0}, {"TB/s", 1e12}};
constexpr Unit kFlopRates[] = {
    {"FLOP/s", 1}, {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12}, {"PFLOP/s", 1e15}};
constexpr Unit kFrequencies[] = {
    {"/s", 1}, {"req/s", 1}, {"Hz", 1}, {"/min", 1.0 / 60}, {"/h", 1.0 / 3600}};
constexpr Unit kTimes[] = {{"ps", 1},   {"ns", 1e3},   {"us", 1e6},   {"ms", 1e9},
                           {"s", 1e12}, {"min", 6e13}, {"h", 3.6e15}, {"d", 8.64e16}};
constexpr Unit kPowers[] = {{"W", 1}, {"kW", 1e3}};
constexpr Unit kDollars[] = {{"USD", 1}};
constexpr Unit kHourlyPrices[] = {{"USD/h", 1}};
constexpr Unit kSizePrices[] = {{"USD/TB", 1}, {"USD/GB", 1e3}};
constexpr Unit kEnergyPrices[] = {{"USD/kWh", 1}, {"USD/MWh", 1e-3}};
constexpr Unit kYears[] = {
    {"years", 1}, {"year", 1}, {"y", 1}, {"months", 1.0 / 12}, {"days", 1.0 / 365}};

std::string known(std::span<const Unit> units) {
  std::string all;
  for (const Unit& unit : units) all += (all.empty() ? "" : ", ") + std::string(unit.symbol);
  return all;
}

/// A plain decimal number, infinite if it is too large, and what follows it.
std::optional<std::pair<double, std::string_view>> leading_number(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const bool digits =
      !text.empty() && (text[0] == '-' || text[0] == '.' || (text[0] >= '0' && text[0] <= '9'));
  if (!digits || error == std::errc::invalid_argument || std::isnan(number)) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const bool tiny =
        text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos;
    number = tiny ? 0 : std::numeric_limits<double>::infinity();
  }
  return std::pair{number, text.substr(static_cast<std::size_t>(rest - text.data()))};
}

/// "<number> <unit>" in base units. A bare number is no quantity: it has lost its dimension.
Parsed<double> quantity(std::string_view text, std::span<const Unit> units, double limit) {
  const auto leading = leading_number(text);
  if (!leading) return {std::nullopt, fmt::format("'{}' does not begin with a number", text)};
  const auto [number, rest] = *leading;
  if (std::isinf(number))
    return {std::nullopt, fmt::format("'{}' is too large to represent", text)};
  if (number < 0) return {std::nullopt, fmt::format("'{}' is negative", text)};

  std::string_view symbol = rest;
  while (symbol.starts_with(' ')) symbol.remove_prefix(1);
  if (symbol.empty()) {
    return {std::nullopt, fmt::format("'{}' lacks a unit: {}", text, known(units))};
  }
  for (const Unit& unit : units) {
    if (unit.symbol != symbol) continue;
    if (number * unit.factor > limit) {
      return {std::nullopt, fmt::format("'{}' is too large to represent", text)};
    }
    return {number * unit.factor, {}};
  }
  return {std::nullopt, fmt::format("'{}' is not a known unit: {}", symbol, known(units))};
}

template <class Q>
Parsed<Q> whole_quantity(std::string_view text, std::span<const Unit> units) {
  const auto parsed = quantity(text, units, 4.6e18);
  if (!parsed.value) return {std::nullopt, parsed.why};
  // A double holds 53 bits: what is whole in base units is read again, to the last digit.
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, whole);
  std::string_view symbol(rest, static_cast<std::size_t>(end - rest));
  while (symbol.starts_with(' ')) symbol.remove_prefix(1);
  if (error == std::errc{} && symbol == units.front().symbol) return {Q{whole}, {}};
  return {Q{std::llround(*parsed.value)}, {}};
}

// Bounds of what prices are made of: their products and ratios then stay numbers.
constexpr double kMostMoney = 1e15;  // dollars, per whatever; watts
constexpr double kMostYears = 1e12;
constexpr Years kLeastYears{1e-6};

template <class Q>
Parsed<Q> real_quantity(std::string_view text, std::span<const Unit> units, double most = 1e300) {
  const auto parsed = quantity(text, units, most);
  if (!parsed.value) return {std::nullopt, parsed.why};
  return {Q{*parsed.value}, {}};
}

/// In the largest unit that leaves a short decimal, and never loses a digit.
std::string with_unit(double value, std::span<const Unit> units) {
  std::string best = fmt::format("{} {}", value, units.front().symbol);
  for (const Unit& unit : units) {
    const double scaled = value / unit.factor;
    if (scaled < 1 || scaled * unit.factor != value) continue;
    const std::string text = fmt::format("{} {}", scaled, unit.symbol);
    if (text.size() <= best.size()) best = text;
  }
  return best;
}

/// The same for a whole number, which may have more digits than a double holds.
std::string with_unit(std::int64_t value, std::span<const Unit> units) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53U;
  if (value <= kExact) return with_unit(static_cast<double>(value), units);
  const auto real = static_cast<double>(value);
  const bool exact = real < 9.2e18 && static_cast<std::int64_t>(real) == value;
  return exact ? with_unit(real, units) : fmt::format("{} {}", value, units.front().symbol);
}

template <class Int>
Parsed<Int> integer(std::string_view text) {
  Int value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) {
    return {std::nullopt, fmt::format("'{}' is too large to represent", text)};
  }
  if (error != std::errc{} || rest != end) {
    return {std::nullopt, fmt::format("'{}' is not a whole number", text)};
  }
  return {value, {}};
}

}  // namespace

Parsed<bool> Scalar<bool>::parse(std::string_view text) {
  if (text == "true") return {true, {}};
  if (text == "false") return {false, {}};
  return {std::nullopt, fmt::format("'{}' is neither", text)};
}

Parsed<std::int64_t> Scalar<std::int64_t>::parse(std::string_view text) {
  return integer<std::int64_t>(text);
}

Parsed<double> Scalar<double>::parse(std::string_view text) {
  const auto leading = leading_number(text);
  if (!leading || !leading->second.empty() || std::isinf(leading->first)) {
    return {std::nullopt, fmt::format("'{}' is not a plain number", text)};
  }
  return {leading->first, {}};
}
std::string Scalar<double>::format(double value) { return fmt::format("{}", value); }

Parsed<Tokens> Scalar<Tokens>::parse(std::string_view text) {
  const auto count = integer<std::int64_t>(text);
  if (!count.value) return {std::nullopt, count.why};
  if (*count.value < 0) return {std::nullopt, fmt::format("'{}' is negative", text)};
  return {Tokens{*count.value}, {}};
}

Parsed<Bytes> Scalar<Bytes>::parse(std::string_view text) {
  return whole_quantity<Bytes>(text, kSizes);
}
std::string Scalar<Bytes>::format(Bytes value) { return with_unit(value.count(), kSizes); }

Parsed<Duration> Scalar<Duration>::parse(std::string_view text) {
  return whole_quantity<Duration>(text, kTimes);
}
std::string Scalar<Duration>::format(Duration value) { return with_unit(value.count(), kTimes); }

Parsed<Bandwidth> Scalar<Bandwidth>::parse(std::string_view text) {
  return real_quantity<Bandwidth>(text, kRates);
}
std::string Scalar<Bandwidth>::format(Bandwidth value) { return with_unit(value.count(), kRates); }

Parsed<FlopRate> Scalar<FlopRate>::parse(std::string_view text) {
  return real_quantity<FlopRate>(text, kFlopRates);
}
std::string Scalar<FlopRate>::format(FlopRate value) {
  return with_unit(value.count(), kFlopRates);
}

Parsed<Frequency> Scalar<Frequency>::parse(std::string_view text) {
  return real_quantity<Frequency>(text, kFrequencies);
}
std::string Scalar<Frequency>::format(Frequency value) {
  return with_unit(value.count(), kFrequencies);
}

Parsed<Power> Scalar<Power>::parse(std::string_view text) {
  return real_quantity<Power>(text, kPowers, kMostMoney);
}
std::string Scalar<Power>::format(Power value) { return with_unit(value.count(), kPowers); }

Parsed<Dollars> Scalar<Dollars>::parse(std::string_view text) {
  return real_quantity<Dollars>(text, kDollars, kMostMoney);
}
std::string Scalar<Dollars>::format(Dollars value) { return with_unit(value.count(), kDollars); }

Parsed<DollarsPerHour> Scalar<DollarsPerHour>::parse(std::string_view text) {
  return real_quantity<DollarsPerHour>(text, kHourlyPrices, kMostMoney);
}
std::string Scalar<DollarsPerHour>::format(DollarsPerHour value) {
  return with_unit(value.count(), kHourlyPrices);
}

Parsed<DollarsPerTB> Scalar<DollarsPerTB>::parse(std::string_view text) {
  return real_quantity<DollarsPerTB>(text, kSizePrices, kMostMoney);
}
std::string Scalar<DollarsPerTB>::format(DollarsPerTB value) {
  return with_unit(value.count(), kSizePrices);
}

Parsed<DollarsPerKWh> Scalar<DollarsPerKWh>::parse(std::string_view text) {
  return real_quantity<DollarsPerKWh>(text, kEnergyPrices, kMostMoney);
}
std::string Scalar<DollarsPerKWh>::format(DollarsPerKWh value) {
  return with_unit(value.count(), kEnergyPrices);
}

Parsed<Years> Scalar<Years>::parse(std::string_view text) {
  const auto years = real_quantity<Years>(text, kYears, kMostYears);
  if (years.value && *years.value > Years{} && *years.value < kLeastYears) {
    return {std::nullopt, fmt::format("'{}' is less than a minute", text)};
  }
  return years;
}
std::string Scalar<Years>::format(Years value) { return with_unit(value.count(), kYears); }

Parsed<Capacity> Scalar<Capacity>::parse(std::string_view text) {
  if (text == "unlimited") return {Capacity{Bytes::max()}, {}};
  if (text == "0") return {Capacity{}, {}};
  const auto size = Scalar<Bytes>::parse(text);
  if (!size.value) return {std::nullopt, size.why};
  return {Capacity{*size.value}, {}};
}
std::string Scalar<Capacity>::format(const Capacity& value) {
  if (value.unlimited()) return "unlimited";
  return value.bytes == Bytes{} ? "0" : Scalar<Bytes>::format(value.bytes);
}

}  // namespace terrace::config
