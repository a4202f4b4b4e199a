#include "sim/study/load/capacity.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/study/crew.hpp"

namespace terrace {
namespace {

/// Tells how far it is, and hears whether to go on, while a crew is at work.
class Watch {
 public:
  explicit Watch(const CapacityOptions& options) : options_(options) {
    progress_.seeds = options.seeds;
  }

  void run_begins() {
    const std::lock_guard lock(mutex_);
    ++progress_.runs;
  }
  void found(const Edge& edge) {
    const std::lock_guard lock(mutex_);
    progress_.first = edge;
  }
  void done() {
    const std::lock_guard lock(mutex_);
    ++progress_.seeds_done;
  }
  [[nodiscard]] std::size_t runs() const { return progress_.runs; }

  /// Whether the crew came to its end.
  bool over(Crew& crew) {
    return crew.finish([this] { return goes_on(); });
  }

 private:
  bool goes_on() {
    if (!options_.proceed) return true;
    CapacityProgress now;
    {
      const std::lock_guard lock(mutex_);
      now = progress_;
    }
    return options_.proceed(now);
  }

  const CapacityOptions& options_;
  std::mutex mutex_;
  CapacityProgress progress_;
};

/// Without digits that nobody reads.
std::string rounded(Duration d) {
  Duration::rep unit = 1;
  while (d.count() / unit >= 100'000) unit *= 10;
  return config::Scalar<Duration>::format(Duration{d.count() / unit * unit});
}

/// What an idle machine cannot meet, either.
[[noreturn]] void fail_idle(const Trial& trial, std::span<const SloBound> bounds, double factor) {
  std::string missed;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (trial.judged[i].met) continue;
    const auto& value = trial.judged[i].value;
    missed += fmt::format("{}{} is {}, and must not exceed {}", missed.empty() ? "" : "; ",
                          bounds[i].name(), value ? rounded(*value) : "of a rejected request",
                          config::Scalar<Duration>::format(bounds[i].limit));
  }
  if (missed.empty()) missed = "the queue grows all the same";
  throw Infeasible(fmt::format(
      "the SLO is missed however little comes: at {:.2g} times the load, with {:.2g} requests "
      "inside on average, {}\nA faster machine is needed, shorter requests, or a laxer SLO.",
      factor, trial.concurrency, missed));
}

constexpr double kIdle = 0.0005;  // requests inside on average: not one in a thousand meets another

/// The search of one seed, on one thread.
class SeedSearch {
 public:
  SeedSearch(Scenario scenario, std::span<const SloBound> bounds, std::size_t piece,
             const std::stop_token& stop, Watch& watch)
      : scenario_(std::move(scenario)),
        bounds_(bounds),
        first_(piece == 0),
        stop_(stop),
        watch_(watch) {
    scenario_.seed += static_cast<std::int64_t>(piece);
  }

  /// Throws Infeasible if it fails on an idle machine.
  std::optional<Edge> find(const EdgeSearch& search) {
    Edge edge;
    return find_edge(search, [&](double factor) -> std::optional<bool> {
      const Trial* trial = at(factor);
      if (trial == nullptr) return std::nullopt;
      (trial->passes() ? edge.yes : edge.no) = factor;
      if (first_) watch_.found(edge);
      if (!edge.yes) {
        const Trial* all = whole(factor);
        if (all == nullptr) return std::nullopt;
        if (all->concurrency < kIdle || factor == search.least) fail_idle(*all, bounds_, factor);
      }
      return trial->passes();
    });
  }

  /// The trial of a factor, known from before if it is the same load: users are whole. Nothing if
  /// it was stopped.
  const Trial* at(double factor) { return known(factor, true); }

  /// The same with every figure of it known.
  const Trial* whole(double factor) { return known(factor, false); }

  [[nodiscard]] Scenario scaled(double factor) const { return scaled_load(scenario_, factor); }

 private:
  const Trial* known(double factor, bool cut_short) {
    std::optional<Trial>& trial = trials_[loads_of(factor)];
    if (!trial || (trial->cut_short && !cut_short)) {
      watch_.run_begins();
      trial =
          attempt(scaled(factor), bounds_, {[this] { return !stop_.stop_requested(); }, cut_short});
    }
    return trial ? &*trial : nullptr;
  }

  /// What of a load is scaled: the factor itself if anything but whole users is.
  [[nodiscard]] std::vector<double> loads_of(double factor) const {
    std::vector<double> loads;
    const auto& clients = scenario_.workload.synthetic.clients;
    const Scenario scenario = scaled(factor);
    for (const ClientSpec& client : scenario.workload.synthetic.clients) {
      loads.push_back(static_cast<double>(client.arrivals.users));
    }
    const bool whole = !scenario_.workload.trace &&
                       std::all_of(clients.begin(), clients.end(), [](const ClientSpec& client) {
                         return client.arrivals.process == ArrivalLaw::closed_loop;
                       });
    if (!whole) loads.push_back(factor);
    return loads;
  }

  Scenario scenario_;
  std::span<const SloBound> bounds_;
  bool first_;  // of all seeds
  const std::stop_token& stop_;
  Watch& watch_;
  std::map<std::vector<double>, std::optional<Trial>> trials_;
};

/// Requests per second: those asked for, where that is known, as those that came vary by chance.
Frequency rate_of(const Scenario& scaled, const Trial& trial) {
  const auto& clients = scaled.workload.synthetic.clients;
  const bool independent = std::none_of(clients.begin(), clients.end(), [](const ClientSpec& c) {
    return c.content.kind == ContentLaw::conversation ||
           c.arrivals.process == ArrivalLaw::closed_loop || c.max_requests;
  });
  const auto asked = offered_rate(scaled);
  return asked && independent ? *asked : trial.offered;
}

std::optional<SeedCapacity> describe_edge(SeedSearch& search, const Edge& edge) {
  const Trial* above = search.whole(*edge.no);
  if (above == nullptr) return std::nullopt;
  const Scenario scaled = search.scaled(*edge.yes);
  SeedCapacity found{scaled.seed, *edge.yes, *edge.no, *search.at(*edge.yes), *above, {}, {}};
  found.rate = rate_of(scaled, found.at);
  found.users = users_of(scaled, found.at);
  return found;
}

}  // namespace

MeanEstimate Capacity::factor() const {
  std::vector<double> values;
  for (const SeedCapacity& seed : seeds) values.push_back(seed.factor);
  return estimate(values);
}

MeanEstimate Capacity::rate() const {
  std::vector<double> values;
  for (const SeedCapacity& seed : seeds) values.push_back(seed.rate.count());
  return estimate(values);
}

std::optional<MeanEstimate> Capacity::users() const {
  std::vector<double> values;
  for (const SeedCapacity& seed : seeds) {
    if (!seed.users) return std::nullopt;
    values.push_back(*seed.users);
  }
  return estimate(values);
}

Scenario searchable(const Scenario& scenario, std::optional<std::int64_t> requests) {
  Scenario fixed = scenario;
  const bool trace = fixed.workload.trace.has_value();
  auto& most = trace ? fixed.workload.trace->max_requests : fixed.workload.synthetic.max_requests;
  auto& duration = trace ? fixed.workload.trace->duration : fixed.workload.synthetic.duration;
  if (requests) most = requests;
  if (!requests && (duration || !most_requests(fixed.workload))) {
    most = std::max<std::int64_t>(1, attempt(fixed, {})->summary.came);
  }
  duration.reset();
  return fixed;
}

std::optional<Capacity> find_capacity(const Scenario& scenario, std::span<const SloBound> bounds,
                                      const CapacityOptions& options) {
  TERRACE_CHECK(options.seeds > 0);
  Capacity capacity{scenario, {}, 0, 0};
  Watch watch(options);
  std::vector<std::optional<SeedCapacity>> found(options.seeds);
  EdgeSearch search;
  search.precision = options.precision;
  const auto work = [&](std::size_t piece, const std::stop_token& stop) {
    SeedSearch one(scenario, bounds, piece, stop, watch);
    const auto edge = one.find(search);
    if (edge && edge->no) found[piece] = describe_edge(one, *edge);
    watch.done();
  };
  {
    Crew crew(1, 1, work);
    if (!watch.over(crew)) return std::nullopt;
  }
  if (found.front()) {
    // The others are near the first: a few steps away at most, which grow if they are not.
    search.start = found.front()->factor;
    search.step = 1 + 4 * options.precision;
    Crew crew(options.seeds - 1, options.jobs,
              [&](std::size_t piece, const std::stop_token& stop) { work(piece + 1, stop); });
    if (!watch.over(crew)) return std::nullopt;
  }
  for (auto& seed : found) {
    if (seed) capacity.seeds.push_back(*std::move(seed));
  }
  capacity.tried = search.most;
  capacity.runs = watch.runs();
  return capacity;
}

}  // namespace terrace
