#include "sim/workload/trace_time.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <limits>
#include <system_error>

#include <fmt/format.h>

#include "sim/workload/trace_input.hpp"

namespace terrace {
namespace {

constexpr std::int64_t kPerSecond = 1'000'000'000'000;

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Removes up to `most` digits from the front of `text`.
std::string_view take_digits(std::string_view& text,
                             std::size_t most = std::numeric_limits<std::size_t>::max()) {
  std::size_t n = 0;
  while (n < text.size() && n < most && digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

/// Adds up decimal digits by their place, which is the power of ten of the second they count.
class Digits {
 public:
  explicit Digits(std::int64_t place) : place_(place) {}

  void add(std::string_view digits) {
    for (const char c : digits) add(c - '0');
  }

  [[nodiscard]] bool too_large() const { return too_large_; }

  /// What the digits amount to, once those left out at the end are zero.
  [[nodiscard]] TraceTime value() const {
    TraceTime t = value_;
    t.picoseconds += round_up_ ? 1 : 0;
    if (t.picoseconds == kPerSecond) t = {t.seconds + 1, 0};
    return t;
  }

 private:
  static constexpr std::int64_t kHighest = 14;  // 10^14 s are three million years

  void add(int d) {
    const std::int64_t place = place_--;
    if (d == 0 || place < -13) return;
    if (place > kHighest) {
      too_large_ = true;
    } else if (place >= 0) {
      value_.seconds += d * power_of_ten(place);
    } else if (place >= -12) {
      value_.picoseconds += d * power_of_ten(place + 12);
    } else {
      round_up_ = d >= 5;
    }
  }

  static std::int64_t power_of_ten(std::int64_t n) {
    std::int64_t power = 1;
    while (n-- > 0) power *= 10;
    return power;
  }

  std::int64_t place_;
  TraceTime value_;
  bool round_up_ = false;
  bool too_large_ = false;
};

/// A number of exactly as many digits as `digits` has; -1 if it is something else.
int small_number(std::string_view digits, std::size_t size) {
  int value = -1;
  if (digits.size() == size) {
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
  }
  return value;
}

}  // namespace

config::Parsed<TraceTime> parse_decimal_time(std::string_view text, int power) {
  const auto wrong = [text](std::string_view why) {
    return config::Parsed<TraceTime>{std::nullopt, fmt::format("{} {}", quoted(text), why)};
  };
  std::string_view rest = text;
  const bool negative = take(rest, '-');
  const std::string_view whole = take_digits(rest);
  const std::string_view fraction = take(rest, '.') ? take_digits(rest) : std::string_view{};
  if (whole.empty() && fraction.empty()) return wrong("is not a number");

  std::int64_t exponent = 0;
  if (take(rest, 'e') || take(rest, 'E')) {
    const bool minus = !take(rest, '+') && take(rest, '-');
    const std::string_view digits = take_digits(rest);
    if (digits.empty()) return wrong("is not a number");
    // An exponent that does not fit is so large or so small that any other such will do.
    constexpr std::int64_t kHuge = 1'000'000'000'000;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    exponent = error == std::errc{} ? std::min(exponent, kHuge) : kHuge;
    if (minus) exponent = -exponent;
  }
  if (!rest.empty()) return wrong("is not a number");
  if (negative) return wrong("is negative");

  Digits digits(static_cast<std::int64_t>(whole.size()) - 1 + exponent + power);
  digits.add(whole);
  digits.add(fraction);
  if (digits.too_large()) return wrong("is too large for a time");
  return {digits.value(), {}};
}

config::Parsed<TraceTime> parse_calendar_time(std::string_view text) {
  const auto wrong = [text] {
    return config::Parsed<TraceTime>{
        std::nullopt,
        fmt::format("{} is not a date and time such as 2023-11-16 18:15:46.68", quoted(text))};
  };
  std::string_view rest = text;
  const int year = small_number(take_digits(rest, 4), 4);
  if (year < 0 || !take(rest, '-')) return wrong();
  const int month = small_number(take_digits(rest, 2), 2);
  if (month < 0 || !take(rest, '-')) return wrong();
  const int day = small_number(take_digits(rest, 2), 2);
  if (day < 0 || !(take(rest, ' ') || take(rest, 'T'))) return wrong();
  const int hour = small_number(take_digits(rest, 2), 2);
  if (hour < 0 || hour > 23 || !take(rest, ':')) return wrong();
  const int minute = small_number(take_digits(rest, 2), 2);
  if (minute < 0 || minute > 59 || !take(rest, ':')) return wrong();
  const int second = small_number(take_digits(rest, 2), 2);
  if (second < 0 || second > 59) return wrong();

  Digits fraction(-1);
  if (take(rest, '.')) {
    const std::string_view digits = take_digits(rest);
    if (digits.empty()) return wrong();
    fraction.add(digits);
  }

  int offset_minutes = 0;  // of the time zone: ahead of UTC
  if (!take(rest, 'Z') && !rest.empty()) {
    const bool ahead = take(rest, '+');
    if (!ahead && !take(rest, '-')) return wrong();
    const int zone_hours = small_number(take_digits(rest, 2), 2);
    if (zone_hours < 0 || zone_hours > 23) return wrong();
    take(rest, ':');
    const int zone_minutes = small_number(take_digits(rest, 2), 2);
    if (zone_minutes < 0 || zone_minutes > 59) return wrong();
    offset_minutes = (ahead ? 1 : -1) * (60 * zone_hours + zone_minutes);
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!rest.empty() || !date.ok()) return wrong();

  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  TraceTime time = fraction.value();
  time.seconds += ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
  return {time, {}};
}

std::optional<Duration> elapsed(TraceTime from, TraceTime to) {
  std::int64_t seconds = to.seconds - from.seconds;
  std::int64_t picoseconds = to.picoseconds - from.picoseconds;
  if (picoseconds < 0) {
    picoseconds += kPerSecond;
    --seconds;
  }
  constexpr std::int64_t kMost = Duration::max().count() / kPerSecond;
  if (seconds > kMost || (seconds == kMost && picoseconds > Duration::max().count() % kPerSecond)) {
    return std::nullopt;
  }
  return Duration{seconds * kPerSecond + picoseconds};
}

double elapsed_seconds(TraceTime from, TraceTime to) {
  return static_cast<double>(to.seconds - from.seconds) +
         static_cast<double>(to.picoseconds - from.picoseconds) * 1e-12;
}

}  // namespace terrace
