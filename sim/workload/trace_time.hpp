#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/base/units.hpp"
#include "sim/config/scalar.hpp"

namespace terrace {

/// A time on a trace's own clock, exact to the picosecond and wide enough for calendar dates.
struct TraceTime {
  std::int64_t seconds = 0;
  std::int64_t picoseconds = 0;  // 0 ... 10^12 - 1

  friend auto operator<=>(const TraceTime&, const TraceTime&) = default;
};

/// "12.5", in units of 10^power seconds and not negative. Read digit by digit, since a double
/// would lose picoseconds after a few hours; digits beyond the picosecond are rounded.
config::Parsed<TraceTime> parse_decimal_time(std::string_view text, int power);

/// "2023-11-16 18:15:46.6805900", with T for the blank and with Z or +01:00 behind it if you like.
config::Parsed<TraceTime> parse_calendar_time(std::string_view text);

/// What passes from `from` to `to`; nothing if it does not fit. REQUIRES: from <= to.
std::optional<Duration> elapsed(TraceTime from, TraceTime to);

/// The same in seconds, rounded.
double elapsed_seconds(TraceTime from, TraceTime to);

}  // namespace terrace
