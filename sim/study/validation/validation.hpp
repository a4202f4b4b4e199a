#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/config/scalar.hpp"
#include "sim/metrics/outcome.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/study/validation/measured_run.hpp"

namespace terrace {

/// What the simulator makes of the requests of a measured run.
struct Replayed {
  Dimensions dimensions;
  std::vector<std::optional<Outcome>> outcomes;  // by request; none of a rejected one
  bool complete = true;                          // false: `proceed` said no
};

/// Simulates the scenario with the measured requests. Throws like run().
Replayed replay_measured(const Scenario& scenario, const MeasuredRun& run,
                         const std::function<bool(const Progress&)>& proceed = {});

/// A figure as measured and as predicted.
struct Figure {
  double measured = 0;
  double predicted = 0;

  /// Relative to what was measured: 0.1 is 10 % too much. REQUIRES: measured > 0.
  [[nodiscard]] double error() const { return predicted / measured - 1; }
};

/// How well one latency is predicted, over the requests that have it both ways.
struct LatencyErrors {
  std::size_t requests = 0;
  Figure mean_ms;
  Figure p50_ms;  // between the neighbours, linearly
  Figure p90_ms;
  Figure p99_ms;
  double mape = 0;  // mean of |error| of each request
  double bias = 0;  // mean of the error of each request
};

using ErrorsByLatency = std::array<std::optional<LatencyErrors>, kLatencies.size()>;

struct ComparedRequest {
  MeasuredRequest measured;
  std::optional<Outcome> predicted;  // none if rejected
  std::optional<double> load;        // requests then in the measured engine, per seat

  /// Nothing if it was not measured, or if the request was rejected.
  [[nodiscard]] std::optional<Figure> latency_ms(Latency which) const;
};

/// Requests that have something in common.
struct Regime {
  std::string name;
  std::size_t requests = 0;
  ErrorsByLatency errors;
};

/// A quarter of the requests, in order of arrival.
struct Quarter {
  Duration from{};  // arrival of its first request, and
  Duration to{};    // of its last
  std::size_t requests = 0;
  Figure ttft_ms;    // mean
  double share = 0;  // of all that TTFTs are wrong by, without their signs
};

struct RunFigures {
  Figure makespan_s;  // first arrival -> last token
  Figure requests_per_s;
  Figure output_tokens_per_s;
};

struct Comparison {
  std::vector<ComparedRequest> requests;  // in order of arrival
  std::int64_t seats = 0;
  std::size_t rejected = 0;  // by the simulator; they are compared with nothing
  ErrorsByLatency all;
  std::optional<RunFigures> run;   // if the end of every request was measured
  std::vector<Regime> regimes;     // those of the load only if it is known
  std::vector<Quarter> quarters;   // if TTFT was measured, of four requests at least
  std::vector<std::size_t> worst;  // at most five: largest relative error of the first latency
  Latency worst_by = Latency::ttft;
};

/// REQUIRES: as many outcomes as requests; seats > 0. O(n log n).
Comparison compare(const MeasuredRun& run, const std::vector<std::optional<Outcome>>& outcomes,
                   std::int64_t seats);

/// Every error that has a name, "ttft_mean", "tpot_p99", "e2e_mape", "makespan", as far as it was
/// measured.
std::vector<std::pair<std::string, double>> named_errors(const Comparison& comparison);

/// An error that would be too large.
struct ErrorBound {
  std::string name;  // as in named_errors
  double limit = 0;  // of its absolute value
};

/// "ttft_mean>2%" as a bound, or why it is none, with the nearest name.
config::Parsed<ErrorBound> parse_bound(std::string_view text);

/// Whether an error is no larger than the bound, either way.
bool is_within(double error, const ErrorBound& bound);

}  // namespace terrace
