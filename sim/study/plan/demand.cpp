#include "sim/study/plan/demand.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "sim/study/load/quantile.hpp"
#include "sim/study/plan/foreseen.hpp"

namespace terrace {
namespace {

// Not more than a tenth of values is above ten times their mean (Markov).
constexpr double kMeanQuantile = 0.9;
constexpr double kMeanStretch = 10;
constexpr std::size_t kDeadlines = 64;  // that are looked at: enough to meet the busiest time

// Which turns of conversations come is known only about: a fleet that keeps its SLOs serves each
// after no time at least and within its limits at most, but for the few that may miss them. What
// holds at both ends, with so much to spare, is taken to hold in between. Of closed loops nothing
// is known: how many requests a client sends beside the others is all a matter of how it is served.
constexpr Duration kQuick = std::chrono::microseconds(1);
constexpr std::size_t kMargin = 3;  // times as many as may miss a bound
constexpr double kStretch = 1.5;    // of the time in which tokens are made

/// A bound, and which requests it is about.
struct Class {
  const SloBound* bound;
  std::optional<std::uint32_t> client;  // none: all

  [[nodiscard]] bool has(const Foreseen& request) const {
    return (!client || *client == request.client) &&
           (bound->latency != Latency::tpot || request.output > Tokens{1});
  }
};

/// Of `n` values, how many may be above the limit of a quantile.
std::size_t may_miss(double quantile, std::size_t n) {
  return n == 0 ? 0 : n - nearest_rank(quantile, n);
}

std::vector<Class> classes_of(const Scenario& scenario, std::span<const SloBound> bounds) {
  std::vector<Class> classes;
  const std::unique_ptr<Workload> workload = make_workload(scenario);
  for (const SloBound& bound : bounds) {
    Class& added = classes.emplace_back(Class{&bound, {}});
    if (bound.client.empty()) continue;
    const std::vector<Client>& clients = workload->clients();
    for (std::uint32_t i = 0; i < clients.size(); ++i) {
      if (clients[i].name == bound.client) added.client = i;
    }
  }
  return classes;
}

/// Whether more than `margin` times those that may miss the bound are at least so long, whichever
/// come first to be judged.
bool surely_reached(const std::vector<Foreseen>& all, const Class& of, Tokens Foreseen::*length,
                    Tokens least, std::size_t margin) {
  std::size_t n = 0;
  std::size_t reached = 0;
  for (std::size_t first = all.size(); first-- > 0;) {
    if (of.has(all[first])) ++n;
    if (of.has(all[first]) && all[first].*length >= least) ++reached;
    if (first > all.size() / 2) continue;
    // A mean is sure to be that of such lengths only if all of them are.
    const std::size_t shorter = n - reached;
    if (n == 0 ||
        (of.bound->quantile ? reached <= margin * may_miss(*of.bound->quantile, n) + margin - 1
                            : shorter > 0)) {
      return false;
    }
  }
  return true;
}

/// The largest such length; nothing if perhaps nobody is judged.
std::optional<Tokens> reached_length(const std::vector<Foreseen>& all, const Class& of,
                                     Tokens Foreseen::*length, std::size_t margin) {
  std::vector<Tokens> lengths;
  for (const Foreseen& request : all) lengths.push_back(request.*length);
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  const auto beyond = std::partition_point(lengths.begin(), lengths.end(), [&](Tokens least) {
    return surely_reached(all, of, length, least, margin);
  });
  if (beyond == lengths.begin()) return {};
  return *std::prev(beyond);
}

/// What a request must have got by when, if it meets the bounds that `used` are; nothing if they
/// allow it to take for ever.
class Deadlines {
 public:
  explicit Deadlines(const std::vector<Class>& classes) : classes_(classes) {}

  [[nodiscard]] std::optional<double> of(const Foreseen& request) {
    if (const auto e2e = limit(Latency::e2e, request)) return request.at + *e2e;
    const auto ttft = limit(Latency::ttft, request);
    if (!ttft || request.output == Tokens{1})
      return ttft ? std::optional(request.at + *ttft) : ttft;
    const auto tpot = limit(Latency::tpot, request);
    if (!tpot) return {};
    return request.at + *ttft + static_cast<double>(request.output.count() - 1) * *tpot;
  }

  /// How many of those from `first` on may come too late, at most.
  [[nodiscard]] std::vector<std::size_t> late(const std::vector<Foreseen>& all) const {
    std::vector<std::size_t> sum(all.size());
    for (const std::size_t c : used_) {
      std::size_t n = 0;
      for (std::size_t first = all.size(); first-- > 0;) {
        if (classes_[c].has(all[first])) ++n;
        sum[first] += may_miss(quantile(c), n);
      }
    }
    return sum;
  }

 private:
  [[nodiscard]] double quantile(std::size_t c) const {
    return classes_[c].bound->quantile.value_or(kMeanQuantile);
  }

  /// Of the bounds on a latency the one that fewest may miss.
  std::optional<double> limit(Latency latency, const Foreseen& request) {
    std::optional<std::size_t> best;
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      if (classes_[c].bound->latency != latency || !classes_[c].has(request)) continue;
      if (!best || quantile(c) > quantile(*best)) best = c;
    }
    if (!best) return {};
    if (std::find(used_.begin(), used_.end(), *best) == used_.end()) used_.push_back(*best);
    const SloBound& bound = *classes_[*best].bound;
    return seconds(bound.limit) * (bound.quantile ? 1 : kMeanStretch);
  }

  const std::vector<Class>& classes_;
  std::vector<std::size_t> used_;
};

/// Whichever request is the first to be judged, and whichever of them come too late: what the
/// others got, they got after the first arrived and before the last of their deadlines. The least,
/// over who is first, of the steepest such demand (Baruah's demand bound of real-time tasks).
double least_rate(const std::vector<Foreseen>& all, const std::vector<Class>& classes) {
  Deadlines deadlines(classes);
  std::vector<std::optional<double>> deadline;
  std::vector<double> ends;
  std::vector<double> outputs;
  for (const Foreseen& request : all) {
    deadline.push_back(deadlines.of(request));
    if (!deadline.back()) continue;
    ends.push_back(*deadline.back());
    outputs.push_back(static_cast<double>(request.output.count()));
  }
  if (ends.empty()) return 0;
  std::sort(ends.begin(), ends.end());
  std::sort(outputs.begin(), outputs.end(), std::greater<>());
  std::vector<double> longest{0};  // of so many
  for (const double output : outputs) longest.push_back(longest.back() + output);
  const std::vector<std::size_t> late = deadlines.late(all);
  // A trial leaves out at most half of what came, from the beginning on.
  std::vector<double> steepest(all.size() / 2 + 1, 0.0);  // by who is first
  for (std::size_t i = 1; i <= kDeadlines; ++i) {
    const double end = ends[(ends.size() - 1) * i / kDeadlines];
    double tokens = 0;
    for (std::size_t first = all.size(); first-- > 0;) {
      if (deadline[first] && *deadline[first] <= end) {
        tokens += static_cast<double>(all[first].output.count());
      }
      if (first >= steepest.size() || end <= all[first].at) continue;
      const std::size_t lost = std::min(late[first], outputs.size());
      const double rate = (tokens - longest[lost]) / (end - all[first].at);
      steepest[first] = std::max(steepest[first], rate);
    }
  }
  return *std::min_element(steepest.begin(), steepest.end());
}

/// What is sure if this is all that comes.
Demand demand_of(const std::vector<Foreseen>& all, const std::vector<Class>& classes,
                 std::size_t margin) {
  Demand demand;
  demand.reached.resize(classes.size());
  if (all.empty()) return demand;
  demand.least_prompt = Tokens::max();
  for (const Foreseen& known : all)
    demand.least_prompt = std::min(demand.least_prompt, known.prompt);
  for (std::size_t b = 0; b < classes.size(); ++b) {
    const auto reached = [&](Tokens Foreseen::*length) {
      return reached_length(all, classes[b], length, margin);
    };
    const auto fresh = reached(&Foreseen::fresh);
    const auto output = reached(&Foreseen::output);
    const auto whole = reached(&Foreseen::whole);
    if (fresh && output && whole) demand.reached[b] = {true, *fresh, *output, *whole};
  }
  demand.tokens_per_second = least_rate(all, classes);
  return demand;
}

/// What both are sure of.
Demand common(const Demand& a, const Demand& b) {
  Demand both = a;
  both.tokens_per_second = std::min(a.tokens_per_second, b.tokens_per_second);
  both.least_prompt = std::min(a.least_prompt, b.least_prompt);
  for (std::size_t i = 0; i < both.reached.size(); ++i) {
    Reached& r = both.reached[i];
    const Reached& other = b.reached[i];
    r = {r.asked && other.asked, std::min(r.fresh, other.fresh), std::min(r.output, other.output),
         std::min(r.whole, other.whole)};
  }
  return both;
}

}  // namespace

Demand demand_of(const Scenario& scenario, std::span<const SloBound> bounds) {
  const std::vector<Class> classes = classes_of(scenario, bounds);
  if (any_in_a_loop(scenario)) return demand_of(std::vector<Foreseen>(), classes, 1);
  const std::vector<Foreseen> all = foresee(scenario, [](const Foreseen&) { return kQuick; });
  if (!any_in_turns(scenario)) return demand_of(all, classes, 1);

  Deadlines deadlines(classes);
  bool bounded = true;
  const std::vector<Foreseen> slow = foresee(scenario, [&](const Foreseen& request) {
    const auto deadline = deadlines.of(request);
    bounded = bounded && deadline;
    return deadline ? duration_from_seconds(*deadline - request.at) : kQuick;
  });
  Demand demand = common(demand_of(all, classes, kMargin), demand_of(slow, classes, kMargin));
  demand.tokens_per_second *= bounded ? 1 / kStretch : 0;
  return demand;
}

}  // namespace terrace
