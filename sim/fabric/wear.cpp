#include "sim/fabric/wear.hpp"

#include <cmath>
#include <limits>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace terrace {

double rated_per_day(const SsdSpec& ssd, bool sequential) {
  return ssd.dwpd * (sequential ? ssd.sequential_endurance : 1);
}

double rated_fills(const SsdSpec& ssd, bool sequential) {
  constexpr double kDaysPerYear = kHoursPerYear / 24;
  return rated_per_day(ssd, sequential) * (kRatedLife.count() * kDaysPerYear);
}

Bytes rated_writes(const SsdSpec& ssd) {
  constexpr double kCountable = 9.2e18;  // just below 2^63
  const double bytes = static_cast<double>(ssd.capacity.count()) * rated_fills(ssd, false);
  return bytes < kCountable ? Bytes{std::llround(bytes)} : Bytes::max();
}

double write_amplification(double raw_over_usable) {
  TERRACE_CHECK(raw_over_usable > 1);
  // x = -W0(-a e^-a) is the root below 1 of ln x - x = ln a - a. The left side is concave and
  // rises, so that Newton's steps from below the root never pass it.
  const double wanted = portable::ln(raw_over_usable) - raw_over_usable;
  double x = portable::exp(wanted);
  while (x > 0 && x < 1) {
    const double next = x + (wanted - portable::ln(x) + x) / (1 / x - 1);
    if (!(next > x)) break;
    x = next;
  }
  return raw_over_usable / (raw_over_usable - x);
}

double drive_writes_per_day(const SsdSpec& ssd, const WearLoad& load) {
  constexpr double kDay = 86400;
  return load.writes.count() * load.amplification * kDay /
         (static_cast<double>(load.drives) * static_cast<double>(ssd.capacity.count()));
}

Years life_of(const SsdSpec& ssd, const WearLoad& load) {
  const double used = drive_writes_per_day(ssd, load);
  if (used <= 0) return Years{std::numeric_limits<double>::infinity()};
  return kRatedLife * (rated_per_day(ssd, load.sequential) / used);
}

}  // namespace terrace
