#include "sim/app/number_axis.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"
#include "sim/report/human.hpp"
#include "sim/study/sweep/range.hpp"

namespace terrace::app {
namespace {

constexpr std::int64_t kKilo = 1024;
constexpr std::int64_t kMega = kKilo * kKilo;
constexpr std::string_view kForms =
    "write a number such as 4096 or 128k (k = 1,024, M = 1,048,576), a list with commas, or a "
    "range FIRST..LAST xFACTOR or FIRST..LAST +STEP";

std::optional<std::int64_t> parse(std::string_view text) {
  std::int64_t unit = 1;
  if (text.ends_with('k') || text.ends_with('K')) unit = kKilo;
  if (text.ends_with('M')) unit = kMega;
  if (unit > 1) text.remove_suffix(1);
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  constexpr std::int64_t kMost = std::int64_t{1} << 40U;
  if (error != std::errc{} || rest != end || number < -kMost || number > kMost) return {};
  return number * unit;
}

class Axis {
 public:
  Axis(std::string_view option, std::int64_t low, std::int64_t high)
      : option_(option), low_(low), high_(high) {}

  void add(const std::string& part) {
    if (part.find("..") == std::string::npos) return push(number(part, part), part);
    const auto range = split_range(part);
    if (!range || range->how == 0) {
      fail(part,
           "the range lacks an end or its step; write FIRST..LAST xFACTOR or FIRST..LAST +STEP");
    }
    const bool times = range->how == 'x';
    const std::int64_t from = number(range->first, part);
    const std::int64_t to = number(range->last, part);
    const std::int64_t by = number(range->step, part);
    if (from > to) fail(part, "the range goes down; write the smaller number first");
    if (by < (times ? 2 : 1)) fail(part, times ? "a factor is 2 or more" : "a step is 1 or more");
    check(from, part);
    check(to, part);
    for (std::int64_t n = from; n <= to; n = times ? n * by : n + by) {
      push(n, part);
      if (times && n > to / by) break;  // n * by may be more than an integer holds
    }
  }

  [[nodiscard]] std::vector<std::int64_t> sorted() && {
    std::sort(numbers_.begin(), numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
    return std::move(numbers_);
  }

 private:
  [[noreturn]] void fail(const std::string& part, std::string_view why) const {
    throw UsageError(fmt::format("--{} '{}': {}", option_, part, why));
  }

  [[nodiscard]] std::int64_t number(std::string_view text, const std::string& part) const {
    if (const auto n = parse(text)) return *n;
    throw UsageError(
        fmt::format("--{} '{}': '{}' is no whole number; {}", option_, part, text, kForms));
  }

  void check(std::int64_t n, const std::string& part) const {
    if (n >= low_ && n <= high_) return;
    fail(part, fmt::format("{} is not between {} and {}", human::count(n), human::count(low_),
                           human::count(high_)));
  }

  void push(std::int64_t n, const std::string& part) {
    check(n, part);
    if (numbers_.size() == kMostNumbers) {
      fail(part, fmt::format("more than {} numbers; take a larger step",
                             human::count(static_cast<std::int64_t>(kMostNumbers))));
    }
    numbers_.push_back(n);
  }

  std::string_view option_;
  std::int64_t low_;
  std::int64_t high_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace

std::vector<std::int64_t> number_axis(std::string_view option, const std::string& text,
                                      std::int64_t low, std::int64_t high) {
  Axis axis(option, low, high);
  for (const std::string& part : split_list(text)) axis.add(part);
  return std::move(axis).sorted();
}

std::string in_binary_units(std::int64_t number) {
  if (number > 0 && number % kMega == 0) return fmt::format("{}M", number / kMega);
  if (number > 0 && number % kKilo == 0) return fmt::format("{}k", number / kKilo);
  return human::count(number);
}

}  // namespace terrace::app
