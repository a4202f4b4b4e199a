#include "sim/study/validation/validation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <queue>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/base/text.hpp"
#include "sim/study/run.hpp"

namespace terrace {
namespace {

constexpr std::size_t kWorst = 5;
constexpr std::size_t kQuarters = 4;

class Outcomes final : public Observer {
 public:
  explicit Outcomes(std::vector<std::optional<Outcome>>& all) : all_(all) {}

  void on_left(const Request& request, SimTime now) override {
    if (request.rejection == Rejection::none) all_[request.number] = outcome_of(request, now);
  }

 private:
  std::vector<std::optional<Outcome>>& all_;
};

double ms(Duration d) { return static_cast<double>(d.count()) * 1e-9; }

std::optional<Duration> measured_latency(const MeasuredRequest& r, Latency which) {
  return which == Latency::ttft ? r.ttft : which == Latency::tpot ? r.tpot : r.e2e;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// As numpy's default: linear between the two nearest ranks.
double percentile(const std::vector<double>& sorted, double q) {
  const double rank = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (rank - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::optional<LatencyErrors> errors_of(const std::vector<const ComparedRequest*>& requests,
                                       Latency which) {
  std::vector<double> measured;
  std::vector<double> predicted;
  LatencyErrors e;
  for (const ComparedRequest* r : requests) {
    const auto figure = r->latency_ms(which);
    if (!figure) continue;
    measured.push_back(figure->measured);
    predicted.push_back(figure->predicted);
    e.mape += std::abs(figure->error());
    e.bias += figure->error();
  }
  e.requests = measured.size();
  if (measured.empty()) return std::nullopt;
  e.mape /= static_cast<double>(e.requests);
  e.bias /= static_cast<double>(e.requests);
  e.mean_ms = {mean(measured), mean(predicted)};
  std::sort(measured.begin(), measured.end());
  std::sort(predicted.begin(), predicted.end());
  const auto at = [&](double q) {
    return Figure{percentile(measured, q), percentile(predicted, q)};
  };
  e.p50_ms = at(0.5);
  e.p90_ms = at(0.9);
  e.p99_ms = at(0.99);
  return e;
}

Regime regime(std::string name, const std::vector<ComparedRequest>& all,
              const std::function<bool(const ComparedRequest&)>& belongs) {
  std::vector<const ComparedRequest*> chosen;
  for (const ComparedRequest& r : all) {
    if (belongs(r)) chosen.push_back(&r);
  }
  Regime regime{std::move(name), chosen.size(), {}};
  for (std::size_t i = 0; i < kLatencies.size(); ++i) {
    regime.errors[i] = errors_of(chosen, kLatencies[i]);
  }
  return regime;
}

/// Notes how full the measured engine was when each request came. False if it is not known.
bool find_loads(std::vector<ComparedRequest>& requests, std::int64_t seats) {
  for (const ComparedRequest& r : requests) {
    if (!r.measured.e2e) return false;
  }
  std::priority_queue<Duration, std::vector<Duration>, std::greater<>> ends;  // of those inside
  for (ComparedRequest& r : requests) {
    while (!ends.empty() && ends.top() <= r.measured.arrival) ends.pop();
    r.load = static_cast<double>(ends.size()) / static_cast<double>(seats);
    ends.push(r.measured.arrival + *r.measured.e2e);
  }
  return true;
}

std::vector<Regime> regimes_of(const std::vector<ComparedRequest>& requests, bool loads) {
  std::vector<Regime> all;
  const auto add_load = [&](const char* name, double from, double to) {
    all.push_back(regime(
        name, requests, [=](const ComparedRequest& r) { return *r.load >= from && *r.load < to; }));
  };
  if (loads) {
    add_load("load < 0.5", 0, 0.5);
    add_load("load 0.5 to 1", 0.5, 1);
    add_load("load >= 1", 1, HUGE_VAL);
  }
  all.push_back(regime("measured TTFT < 1 s", requests, [](const ComparedRequest& r) {
    return r.measured.ttft && *r.measured.ttft < std::chrono::seconds(1);
  }));
  return all;
}

/// Only of runs from whose requests none is missing.
std::optional<RunFigures> run_figures(const std::vector<ComparedRequest>& requests) {
  Duration measured{};
  Duration predicted{};
  Tokens tokens;
  for (const ComparedRequest& r : requests) {
    if (!r.measured.e2e || !r.predicted) return std::nullopt;
    measured = std::max(measured, r.measured.arrival + *r.measured.e2e);
    predicted = std::max(predicted, r.measured.arrival + r.predicted->e2e);
    tokens += r.measured.output;
  }
  const Figure span{seconds(measured), seconds(predicted)};
  const auto rate = [&](auto count) {
    const auto n = static_cast<double>(count);
    return Figure{n / span.measured, n / span.predicted};
  };
  return RunFigures{span, rate(requests.size()), rate(tokens.count())};
}

std::vector<Quarter> quarters_of(const std::vector<ComparedRequest>& requests) {
  std::vector<const ComparedRequest*> timed;
  for (const ComparedRequest& r : requests) {
    if (r.latency_ms(Latency::ttft)) timed.push_back(&r);
  }
  std::vector<Quarter> quarters;
  if (timed.size() < kQuarters) return quarters;
  double wrong_by = 0;
  for (std::size_t k = 0; k < kQuarters; ++k) {
    const std::size_t first = timed.size() * k / kQuarters;
    const std::size_t end = timed.size() * (k + 1) / kQuarters;
    Quarter q{timed[first]->measured.arrival, timed[end - 1]->measured.arrival, end - first, {}, 0};
    for (std::size_t i = first; i < end; ++i) {
      const Figure f = *timed[i]->latency_ms(Latency::ttft);
      q.ttft_ms.measured += f.measured / static_cast<double>(q.requests);
      q.ttft_ms.predicted += f.predicted / static_cast<double>(q.requests);
      q.share += std::abs(f.predicted - f.measured);
    }
    wrong_by += q.share;
    quarters.push_back(q);
  }
  for (Quarter& q : quarters) q.share = wrong_by > 0 ? q.share / wrong_by : 0;
  return quarters;
}

void find_worst(Comparison& c) {
  while (!c.all[static_cast<std::size_t>(c.worst_by)] && c.worst_by != Latency::e2e) {
    c.worst_by = kLatencies[static_cast<std::size_t>(c.worst_by) + 1];
  }
  std::vector<std::pair<double, std::size_t>> errors;
  for (std::size_t i = 0; i < c.requests.size(); ++i) {
    if (const auto figure = c.requests[i].latency_ms(c.worst_by)) {
      errors.emplace_back(-std::abs(figure->error()), i);
    }
  }
  std::sort(errors.begin(), errors.end());
  errors.resize(std::min(errors.size(), kWorst));
  for (const auto& [error, i] : errors) c.worst.push_back(i);
}

constexpr std::array<std::string_view, 6> kStatistics = {"mean", "p50",  "p90",
                                                         "p99",  "mape", "bias"};
constexpr std::array<std::string_view, 3> kRunNames = {"makespan", "requests_per_s",
                                                       "output_tokens_per_s"};

std::vector<std::string> bound_names() {
  std::vector<std::string> names;
  for (const std::string_view latency : kLatencyNames) {
    for (const std::string_view statistic : kStatistics) {
      names.push_back(fmt::format("{}_{}", latency, statistic));
    }
  }
  names.insert(names.end(), kRunNames.begin(), kRunNames.end());
  return names;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Replayed replay_measured(const Scenario& scenario, const MeasuredRun& run,
                         const std::function<bool(const Progress&)>& proceed) {
  const auto arrivals = std::make_shared<const std::vector<Arrival>>(arrivals_of(run));
  PreparedRun prepared(scenario, [&] { return make_replay(arrivals, "measured"); });
  Replayed replayed{prepared.dimensions(), {}, true};
  replayed.outcomes.resize(run.requests.size());
  Outcomes outcomes(replayed.outcomes);
  replayed.complete = prepared.run({{&outcomes}, proceed}).complete;
  return replayed;
}

std::optional<Figure> ComparedRequest::latency_ms(Latency which) const {
  const auto real = measured_latency(measured, which);
  if (!real || !predicted) return std::nullopt;
  const auto ours = predicted->of(which);
  if (!ours) return std::nullopt;
  return Figure{ms(*real), ms(*ours)};
}

Comparison compare(const MeasuredRun& run, const std::vector<std::optional<Outcome>>& outcomes,
                   std::int64_t seats) {
  TERRACE_CHECK(outcomes.size() == run.requests.size() && seats > 0);
  Comparison c;
  c.seats = seats;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    c.requests.push_back({run.requests[i], outcomes[i], std::nullopt});
    if (!outcomes[i]) ++c.rejected;
  }
  const bool loads = find_loads(c.requests, seats);
  c.all = regime("all", c.requests, [](const ComparedRequest&) { return true; }).errors;
  c.run = run_figures(c.requests);
  c.regimes = regimes_of(c.requests, loads);
  c.quarters = quarters_of(c.requests);
  find_worst(c);
  return c;
}

std::vector<std::pair<std::string, double>> named_errors(const Comparison& comparison) {
  std::vector<std::pair<std::string, double>> named;
  for (std::size_t i = 0; i < kLatencies.size(); ++i) {
    const auto& errors = comparison.all[i];
    if (!errors) continue;
    const std::array values = {
        errors->mean_ms.error(), errors->p50_ms.error(), errors->p90_ms.error(),
        errors->p99_ms.error(),  errors->mape,           errors->bias};
    for (std::size_t k = 0; k < kStatistics.size(); ++k) {
      named.emplace_back(fmt::format("{}_{}", kLatencyNames[i], kStatistics[k]), values[k]);
    }
  }
  if (const auto& run = comparison.run) {
    const std::array values = {run->makespan_s.error(), run->requests_per_s.error(),
                               run->output_tokens_per_s.error()};
    for (std::size_t k = 0; k < kRunNames.size(); ++k) {
      named.emplace_back(kRunNames[k], values[k]);
    }
  }
  return named;
}

config::Parsed<ErrorBound> parse_bound(std::string_view text) {
  const auto wrong = [](std::string why) {
    return config::Parsed<ErrorBound>{std::nullopt, std::move(why)};
  };
  const auto above = text.find('>');
  const std::string_view number = trimmed(text.substr(std::min(above + 1, text.size())));
  if (above == std::string_view::npos || !number.ends_with('%')) {
    return wrong(fmt::format("'{}' is no bound; it is written as in ttft_mean>2%", text));
  }
  const std::string name(trimmed(text.substr(0, above)));
  const std::vector<std::string> known = bound_names();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    const std::vector<std::string_view> names(known.begin(), known.end());
    const auto near = closest(name, names);
    return wrong(
        near ? fmt::format("no error is called '{}'; did you mean '{}'?", name, *near)
             : fmt::format("no error is called '{}'; there are: {}", name, fmt::join(known, ", ")));
  }
  const auto percent = config::Scalar<double>::parse(trimmed(number.substr(0, number.size() - 1)));
  if (!percent.value || !(*percent.value >= 0)) {
    return wrong(fmt::format("'{}' is no percentage of 0 or more", number));
  }
  return {ErrorBound{name, *percent.value / 100}, {}};
}

bool is_within(double error, const ErrorBound& bound) { return std::abs(error) <= bound.limit; }

}  // namespace terrace
