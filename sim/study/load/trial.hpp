#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/metrics/summary.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/serving/observer.hpp"
#include "sim/study/load/slo.hpp"

namespace terrace {

/// A figure that a bound is about, as it came out.
struct Judged {
  std::optional<Duration> value;  // none: no request had it, or one that was rejected has it
  bool met = false;               // nothing to measure meets any bound
};

/// What one client had to do with it, while the judged requests arrived.
struct ClientLoad {
  Frequency offered;
  double concurrency = 0;
};

/// One run, asked whether it copes: what became of its requests once it had warmed up.
struct Trial {
  Summary summary;             // of the whole run, warm-up included
  std::size_t requests = 0;    // that were judged, rejected ones included
  std::size_t warm_up = 0;     // that came before those and were left out
  std::vector<Judged> judged;  // by bound
  bool keeps_up = true;        // the queue did not grow from beginning to end
  bool cut_short = false;      // it was over before its end: some bound could not be met any more.
                               // But for that, and `summary` of the part that ran, nothing is known
  std::size_t lost = 0;        // which bound that was
  double concurrency = 0;      // mean number of requests inside, while those judged arrived
  double running = 0;          // of them, not in the queue
  Frequency offered;           // at which those judged arrived; 0 if all came at once
  Frequency served;            // at which requests left meanwhile
  std::vector<ClientLoad> clients;

  [[nodiscard]] bool passes() const;
};

struct TrialOptions {
  std::function<bool()> proceed;       // asked every few thousand events
  bool cut_short = true;               // whether to stop where the answer can only be no
  std::vector<Observer*> observers{};  // watch besides, and outlive it
};

/// Simulates the scenario and judges it; nothing if `proceed` said no. Warm-up is found by MSER-5
/// on the requests' TTFT in order of arrival, at most half of them. Quantiles are exact, by nearest
/// rank; a rejected request meets no bound. It keeps up if the time in queue and loads does not
/// grow (see grows()) among those judged, nor over the whole run if more than a third of it would
/// be warm-up: a run that never settles has no warm-up. Throws like run().
/// REQUIRES: why_contradictory(bounds, scenario) is empty.
std::optional<Trial> attempt(const Scenario& scenario, std::span<const SloBound> bounds,
                             const TrialOptions& options = {});

/// How many users there were: those of closed loops, and sessions of conversations under way, by
/// the law of response times, N = X (R + Z). Nothing if no client is either.
std::optional<double> users_of(const Scenario& scenario, const Trial& trial);

/// Requests per second that come by themselves, first turns of conversations; nothing if all
/// clients are closed loops, or if only its trace knows.
std::optional<Frequency> offered_rate(const Scenario& scenario);

/// The scenario with every client's rate times `factor`, the random draws being the same: rates of
/// open loops, users of closed loops (rounded, one at least), the speed of a trace.
Scenario scaled_load(const Scenario& scenario, double factor);

}  // namespace terrace
