#include "calibrate/loop/error_bound.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

using app::UsageError;

/// Nothing where there is nothing to tell it from.
using NamedErrors = std::vector<std::pair<std::string, std::optional<double>>>;

NamedErrors named_errors(const std::vector<ComparedWorkload>& workloads) {
  NamedErrors named;
  for (const ErrorSummary& s : summarise(workloads)) {
    const auto add = [&](const char* which, double error) {
      named.emplace_back(s.name + which, s.count > 0 ? std::optional(error) : std::nullopt);
    };
    add("_median", s.median);
    add("_p90", s.p90);
    add("_bias", std::abs(s.bias));
  }
  return named;
}

/// The form alone.
ErrorBound split(const std::string& text) {
  const auto arrow = text.find('>');
  double percent = 0;
  const char* end = text.data() + text.size();
  if (arrow != std::string::npos) {
    const auto [stop, error] = std::from_chars(text.data() + arrow + 1, end, percent);
    if (error == std::errc{} &&
        std::string_view(stop, static_cast<std::size_t>(end - stop)) == "%" && percent >= 0) {
      return {text.substr(0, arrow), percent / 100};
    }
  }
  throw UsageError(
      fmt::format("--fail-on takes ERROR>NUMBER%, such as steps_median>10%, not '{}'", text));
}

}  // namespace

ErrorBound parse_error_bound(const std::string& text) {
  ErrorBound bound = split(text);
  const NamedErrors known = named_errors({});
  std::vector<std::string_view> names;
  for (const auto& [name, value] : known) names.push_back(name);
  if (std::find(names.begin(), names.end(), bound.name) == names.end()) {
    const auto near = closest(bound.name, names);
    throw UsageError(fmt::format("--fail-on: there is no error '{}'{}", bound.name,
                                 near ? fmt::format("; did you mean '{}'?", *near) : ""));
  }
  return bound;
}

std::vector<std::string> missed(const std::vector<ErrorBound>& bounds,
                                const std::vector<ComparedWorkload>& workloads) {
  std::vector<std::string> lines;
  for (const auto& [name, error] : named_errors(workloads)) {
    for (const ErrorBound& bound : bounds) {
      if (bound.name != name) continue;
      if (!error) {
        lines.push_back(fmt::format("{} is not known: nothing of the kind happened", name));
      } else if (!(*error <= bound.limit)) {
        lines.push_back(
            fmt::format("{} is {:.1f} %, more than {:g} %", name, 100 * *error, 100 * bound.limit));
      }
    }
  }
  return lines;
}

}  // namespace terrace::calibrate
