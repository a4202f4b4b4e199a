#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/metrics/outcome.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/serving/observer.hpp"
#include "sim/study/load/slo.hpp"

namespace terrace {

/// One request, from its arrival until it left.
struct Visit {
  std::uint32_t client = 0;
  SimTime arrived{};
  SimTime left{};
  Duration waited{};               // in queue and loads
  std::optional<Outcome> outcome;  // none: rejected

  /// What counts for a bound: the end of time if it was rejected, nothing if it has no such figure.
  [[nodiscard]] std::optional<Duration> latency(Latency which) const {
    return outcome ? outcome->of(which) : std::optional(Duration::max());
  }
};

/// How many requests a run has at most, as its workload says; nothing if only time ends it.
std::optional<std::size_t> most_requests(const Scenario& scenario);

/// Collects every request of a run by order of arrival, and notices when some bound is lost: when
/// so much has gone wrong among the last half of all requests, which is judged whatever the warm-up
/// is found to be, that the rest cannot make it good. Without `most`, that is never known.
class Visits final : public Observer {
 public:
  Visits(std::span<const SloBound> bounds, std::optional<std::size_t> most);

  void on_start(const RunView& view) override;
  void on_left(const Request& request, SimTime now) override;

  [[nodiscard]] bool lost() const { return lost_; }
  [[nodiscard]] const std::vector<Visit>& all() const { return all_; }  // by Request::number

  /// Whether the bound is about this request.
  [[nodiscard]] bool concerns(std::size_t bound, const Visit& visit) const {
    return clients_[bound] == kEverybody || clients_[bound] == visit.client;
  }

 private:
  static constexpr std::uint32_t kEverybody = Arrival::kNoTicket;
  struct Losses {
    std::size_t missed = 0;  // requests beyond the limit
    double seconds = 0;
  };
  void look_for_loss(const Visit& visit);

  std::span<const SloBound> bounds_;
  std::optional<std::size_t> most_;
  std::vector<std::uint32_t> clients_;  // by bound
  std::vector<Losses> losses_;          // by bound
  std::vector<Visit> all_;
  bool lost_ = false;
};

}  // namespace terrace
