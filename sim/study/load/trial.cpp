#include "sim/study/load/trial.hpp"

#include <algorithm>
#include <cmath>

#include "sim/study/load/quantile.hpp"
#include "sim/study/load/steady_state.hpp"
#include "sim/study/load/visits.hpp"
#include "sim/study/run.hpp"

namespace terrace {
namespace {

/// How many requests came before the run had warmed up.
std::size_t warm_up_of(const std::vector<Visit>& all) {
  std::vector<double> ttft;
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].outcome) continue;
    ttft.push_back(seconds(all[i].outcome->ttft));
    numbers.push_back(i);
  }
  const std::size_t cut = warm_up(ttft);
  return cut == 0 ? 0 : std::min(numbers[cut], all.size() / 2);
}

bool queue_grows(std::span<const Visit> visits) {
  std::vector<double> arrivals;
  std::vector<double> waits;
  for (const Visit& visit : visits) {
    if (!visit.outcome) continue;
    arrivals.push_back(seconds(visit.arrived));
    waits.push_back(seconds(visit.waited));
  }
  return grows(arrivals, waits);
}

Judged judge(std::vector<Duration>& values, const SloBound& bound) {
  if (values.empty()) return {std::nullopt, true};
  Duration value{};
  if (bound.quantile) {
    const auto at = values.begin() +
                    static_cast<std::ptrdiff_t>(nearest_rank(*bound.quantile, values.size()) - 1);
    std::nth_element(values.begin(), at, values.end());
    value = *at;
  } else {
    double sum = 0;
    for (const Duration d : values) sum += seconds(d);
    value = duration_from_seconds(sum / static_cast<double>(values.size()));
    if (*std::max_element(values.begin(), values.end()) == Duration::max()) value = Duration::max();
  }
  if (value == Duration::max()) return {std::nullopt, false};
  return {value, value <= bound.limit};
}

/// Seconds of [from, to) that lie in a window.
double overlap(SimTime from, SimTime to, SimTime begin, SimTime end) {
  return std::max(0.0, seconds(std::min(to, end) - std::max(from, begin)));
}

/// What stood in the engine, came and went while the judged requests arrived.
void look_inside(Trial& trial, const std::vector<Visit>& all) {
  const SimTime begin = all[trial.warm_up].arrived;
  const SimTime end = all.back().arrived;
  const double length = seconds(end - begin);
  if (!(length > 0)) return;
  std::size_t left = 0;
  for (const Visit& visit : all) {
    trial.concurrency += overlap(visit.arrived, visit.left, begin, end) / length;
    trial.running += overlap(visit.arrived + visit.waited, visit.left, begin, end) / length;
    if (visit.left >= begin && visit.left < end) ++left;
  }
  trial.offered = Frequency{static_cast<double>(trial.requests - 1) / length};
  trial.served = Frequency{static_cast<double>(left) / length};
}

void judge_all(Trial& trial, const Visits& visits, std::span<const SloBound> bounds) {
  const std::vector<Visit>& all = visits.all();
  if (all.empty()) return;
  trial.warm_up = warm_up_of(all);
  trial.requests = all.size() - trial.warm_up;
  const auto judged = std::span(all).subspan(trial.warm_up);
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    std::vector<Duration> values;
    for (const Visit& visit : judged) {
      const auto latency = visit.latency(bounds[i].latency);
      if (latency && visits.concerns(i, visit)) values.push_back(*latency);
    }
    trial.judged[i] = judge(values, bounds[i]);
  }
  trial.keeps_up = !queue_grows(judged) && !(trial.warm_up > all.size() / 3 && queue_grows(all));
  look_inside(trial, all);
}

}  // namespace

bool Trial::passes() const {
  return keeps_up && !cut_short &&
         std::all_of(judged.begin(), judged.end(), [](const Judged& j) { return j.met; });
}

std::optional<Trial> attempt(const Scenario& scenario, std::span<const SloBound> bounds,
                             const TrialOptions& options) {
  Visits visits(bounds, options.cut_short ? most_requests(scenario) : std::nullopt);
  bool stopped = false;
  RunOptions run_options{{&visits}, [&](const Progress&) {
                           stopped = options.proceed && !options.proceed();
                           return !stopped && !visits.lost();
                         }};
  Trial trial;
  trial.summary = run(scenario, run_options);
  if (stopped) return std::nullopt;
  trial.judged.resize(bounds.size());
  trial.cut_short = !trial.summary.complete;
  if (!trial.cut_short) judge_all(trial, visits, bounds);
  return trial;
}

}  // namespace terrace
