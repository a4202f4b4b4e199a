#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace terrace {

/// Simulated time in whole picoseconds: exact, totally ordered, and good for 106 days.
using Duration = std::chrono::duration<std::int64_t, std::pico>;

struct SimClock {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<SimClock>;
  static constexpr bool is_steady = true;
};

using SimTime = SimClock::time_point;

/// A number with a dimension. Like adds to like; a ratio of likes is a plain number; all else
/// has to be spelled out below, as an equation of physics.
template <class Dimension, class Rep>
class Quantity {
 public:
  using rep = Rep;

  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep count) : count_(count) {}

  [[nodiscard]] constexpr Rep count() const { return count_; }
  [[nodiscard]] static constexpr Quantity max() {
    return Quantity{std::numeric_limits<Rep>::max()};
  }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity{a.count_ + b.count_};
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity{a.count_ - b.count_};
  }
  friend constexpr Quantity operator*(Quantity a, Rep k) { return Quantity{a.count_ * k}; }
  friend constexpr double operator/(Quantity a, Quantity b) {
    return static_cast<double>(a.count_) / static_cast<double>(b.count_);
  }
  constexpr Quantity& operator+=(Quantity b) { return *this = *this + b; }
  constexpr Quantity& operator-=(Quantity b) { return *this = *this - b; }

 private:
  Rep count_{};
};

using Bytes = Quantity<struct BytesDimension, std::int64_t>;
using Tokens = Quantity<struct TokensDimension, std::int64_t>;
using Bandwidth = Quantity<struct BandwidthDimension, double>;  // bytes per second
using Flops = Quantity<struct FlopsDimension, double>;          // operations
using FlopRate = Quantity<struct FlopRateDimension, double>;    // operations per second
using Frequency = Quantity<struct FrequencyDimension, double>;  // per second
using Power = Quantity<struct PowerDimension, double>;          // watts
using Dollars = Quantity<struct DollarsDimension, double>;      // of the United States
using DollarsPerHour = Quantity<struct DollarsPerHourDimension, double>;
using DollarsPerTB = Quantity<struct DollarsPerTBDimension, double>;  // of 10^12 bytes
using DollarsPerKWh = Quantity<struct DollarsPerKWhDimension, double>;
using Years = Quantity<struct YearsDimension, double>;  // that Duration is too short for

constexpr double seconds(Duration d) { return static_cast<double>(d.count()) * 1e-12; }
constexpr double seconds(SimTime t) { return seconds(t.time_since_epoch()); }

/// The least whole duration not shorter than `exact` seconds; saturates at the end of time.
constexpr Duration duration_from_seconds(double exact) {
  const double picoseconds = exact * 1e12;
  if (!(picoseconds < 9.2e18)) return Duration::max();
  const auto whole = static_cast<Duration::rep>(picoseconds);
  return Duration{whole + (static_cast<double>(whole) < picoseconds ? 1 : 0)};
}

/// Time to move `size` at `rate`, rounded up: no transfer is free.
constexpr Duration operator/(Bytes size, Bandwidth rate) {
  return duration_from_seconds(static_cast<double>(size.count()) / rate.count());
}
constexpr Duration operator/(Flops work, FlopRate rate) {
  return duration_from_seconds(work.count() / rate.count());
}

constexpr double kHoursPerYear = 8760;
constexpr double kSecondsPerYear = kHoursPerYear * 3600;

constexpr Dollars operator*(Bytes size, DollarsPerTB price) {
  return Dollars{static_cast<double>(size.count()) * 1e-12 * price.count()};
}
/// A price spread over a life.
constexpr DollarsPerHour operator/(Dollars price, Years life) {
  return DollarsPerHour{price.count() / (life.count() * kHoursPerYear)};
}
constexpr DollarsPerHour operator*(Power power, DollarsPerKWh price) {
  return DollarsPerHour{power.count() * 1e-3 * price.count()};
}

namespace literals {
using namespace std::chrono_literals;
constexpr Bytes operator""_B(unsigned long long n) { return Bytes{static_cast<std::int64_t>(n)}; }
constexpr Bytes operator""_KiB(unsigned long long n) {
  return Bytes{static_cast<std::int64_t>(n << 10U)};
}
constexpr Bytes operator""_MiB(unsigned long long n) {
  return Bytes{static_cast<std::int64_t>(n << 20U)};
}
constexpr Bytes operator""_GiB(unsigned long long n) {
  return Bytes{static_cast<std::int64_t>(n << 30U)};
}
constexpr Bandwidth operator""_GBps(unsigned long long n) {
  return Bandwidth{static_cast<double>(n) * 1e9};
}
constexpr Tokens operator""_tok(unsigned long long n) {
  return Tokens{static_cast<std::int64_t>(n)};
}
}  // namespace literals

}  // namespace terrace
