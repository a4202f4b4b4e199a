#include "sim/report/human.hpp"

#include <array>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

namespace terrace::human {
namespace {

/// At least `digits` significant digits, all of the integer part.
std::string significant(double value, int digits) {
  constexpr std::array kHalfUnits = {0.5, 0.05, 0.005, 0.0005};  // of the last decimal
  double limit = 10;
  auto decimals = static_cast<std::size_t>(digits - 1);
  // What would be rounded up to one more digit loses a decimal.
  for (; decimals > 0 && std::abs(value) >= limit - kHalfUnits.at(decimals); --decimals) {
    limit *= 10;
  }
  return fmt::format("{:.{}f}", value, decimals);
}

std::string grouped(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  std::size_t at = digits.find('.');
  if (at == std::string::npos) at = digits.size();
  while (at > first + 3) digits.insert(at -= 3, ",");
  return digits;
}

}  // namespace

std::string time(double seconds) {
  if (seconds == 0) return "0 ms";
  if (std::abs(seconds) < 0.9995e-3) return significant(seconds * 1e6, 4) + " us";
  if (std::abs(seconds) < 0.99995) return significant(seconds * 1e3, 4) + " ms";
  return grouped(significant(seconds, 4)) + " s";
}

std::string span(Years span) {
  const double seconds = span.count() * kSecondsPerYear;
  if (seconds < 59.95) return time(seconds);
  if (seconds < 3597) return significant(seconds / 60, 3) + " min";
  if (seconds < 172728) return significant(seconds / 3600, 3) + " h";
  if (span.count() < 1.9995) return significant(span.count() * 365, 3) + " days";
  if (span.count() > 9999) return std::isinf(span.count()) ? "forever" : "10,000 years or more";
  return grouped(significant(span.count(), 3)) + " years";
}

std::string bytes(double bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (std::abs(bytes) >= 1023.95 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return (unit == 0 ? fmt::format("{:.0f}", bytes) : significant(bytes, 3)) + ' ' + kUnits[unit];
}

std::string bytes(Bytes bytes) {
  if (bytes == Bytes::max()) return "unlimited";
  return human::bytes(static_cast<double>(bytes.count()));
}

std::string count(std::int64_t n) { return grouped(std::to_string(n)); }

std::string compact(std::int64_t n) {
  const auto value = static_cast<double>(n);
  if (std::abs(value) < 9999.5) return count(n);
  if (std::abs(value) < 999.5e3) return significant(value / 1e3, 3) + " k";
  if (std::abs(value) < 999.5e6) return significant(value / 1e6, 3) + " M";
  return grouped(significant(value / 1e9, 3)) + " G";
}

std::string rate(double per_second) { return grouped(significant(per_second, 4)); }

std::string dollars(Dollars amount) {
  constexpr double kKilo = 1e3;
  constexpr double kMega = 1e6;
  const double n = amount.count();
  if (n >= kMega * 0.9995) return fmt::format("{:.3g}M", n / kMega);
  return n >= kKilo * 0.9995 ? fmt::format("{:.3g}k", n / kKilo) : fmt::format("{:.3g}", n);
}

std::string percent(double part, double whole) {
  if (!(whole > 0)) return "-";
  return fmt::format("{:.1f}", 100 * part / whole);
}

}  // namespace terrace::human
