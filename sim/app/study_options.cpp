#include "sim/app/study_options.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/app/scenario_options.hpp"

namespace terrace::app {
namespace {

constexpr double kUsualQuantile = 0.99;
constexpr double kUsualPrecision = 0.02;
constexpr std::int64_t kMostJobs = 4096;
constexpr std::int64_t kMostRequests = 1'000'000'000;

}  // namespace

double precision_of(const Arguments& arguments) {
  const auto text = arguments.value(kPrecisionOption.name);
  if (!text) return kUsualPrecision;
  const auto parsed = config::Scalar<double>::parse(*text);
  if (!parsed.value || !(*parsed.value >= 0.001 && *parsed.value <= 0.5)) {
    throw UsageError(fmt::format(
        "--precision must be between 0.001 and 0.5, as in 0.02 for 2 %, not '{}'", *text));
  }
  return *parsed.value;
}

std::size_t jobs_of(const Arguments& arguments) {
  return static_cast<std::size_t>(arguments.count(
      "jobs", std::max<std::int64_t>(std::thread::hardware_concurrency(), 1), kMostJobs));
}

std::optional<std::int64_t> requests_of(const Arguments& arguments) {
  if (!arguments.has(kRequestsOption.name)) return std::nullopt;
  constexpr std::array kShorthands = {
      Shorthand{kRequestsOption.name, "workload.max_requests"},
      Shorthand{kRequestsOption.name, "workload.duration"},
      Shorthand{kRequestsOption.name, "workload.trace.max_requests"},
      Shorthand{kRequestsOption.name, "workload.trace.duration"}};
  check_each_counts(arguments, {}, kShorthands);
  return arguments.count(kRequestsOption.name, 1, kMostRequests);
}

std::vector<SloBound> slo_bounds(const Arguments& arguments, const Scenario& scenario) {
  const auto text = arguments.value(kSloOption.name);
  if (!text) return slo_of(scenario, kUsualQuantile);
  auto parsed = parse_slo(*text);
  if (!parsed.value) throw UsageError("--slo: " + parsed.why);
  const std::string wrong = why_contradictory(*parsed.value, scenario);
  if (!wrong.empty()) throw UsageError("--slo: " + wrong);
  return *std::move(parsed.value);
}

void check_long_enough(const Scenario& searchable, const std::vector<SloBound>& bounds) {
  const std::size_t needed = requests_needed(bounds);
  const auto most = most_requests(searchable.workload);
  if (!most || static_cast<std::size_t>(*most) >= needed) return;
  const auto hardest =
      std::max_element(bounds.begin(), bounds.end(), [](const SloBound& a, const SloBound& b) {
        return a.quantile.value_or(0) < b.quantile.value_or(0);
      });
  throw UsageError(
      fmt::format("{} requests are too few to tell {}: it takes {} at least, as half of them may "
                  "be left out as warm-up; say --requests {} or more",
                  *most, hardest->name(), needed, 10 * needed));
}

std::int64_t users_in(const Scenario& scenario) {
  std::int64_t users = 0;
  if (scenario.workload.trace) return users;
  for (const ClientSpec& client : scenario.workload.synthetic.clients) {
    if (client.arrivals.process == ArrivalLaw::closed_loop) users += client.arrivals.users;
  }
  return users;
}

void check_users_return(const Scenario& scenario) {
  const auto most = most_requests(scenario.workload);
  const std::int64_t users = users_in(scenario);
  constexpr std::int64_t kTurns = 5;
  if (!most || users <= *most / kTurns) return;
  throw UsageError(
      fmt::format("{} requests are too few for {} users, each of whom has to come "
                  "back a few times; say --requests {} or more",
                  *most, users, 2 * kTurns * users));
}

void check_repeatable(const Scenario& scenario) {
  if (!scenario.workload.trace) return;
  std::error_code ignored;
  if (std::filesystem::is_fifo(scenario.workload.trace->path, ignored)) {
    throw UsageError(
        fmt::format("the trace {} is a pipe and can be read only once; write it to a "
                    "file first",
                    scenario.workload.trace->path));
  }
}

std::string text_of(const std::vector<SloBound>& bounds) {
  std::vector<std::string> all;
  all.reserve(bounds.size());
  for (const SloBound& bound : bounds) {
    all.push_back(
        fmt::format("{} <= {}", bound.name(), config::Scalar<Duration>::format(bound.limit)));
  }
  return fmt::format("{}", fmt::join(all, " and "));
}

}  // namespace terrace::app
