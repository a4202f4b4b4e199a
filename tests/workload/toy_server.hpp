#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/workload/spec.hpp"
#include "sim/workload/synthetic.hpp"
#include "sim/workload/workload.hpp"

namespace terrace::test {

/// Stands in for the engine: everything is served at once, each request for a time of its own.
class ToyServer {
 public:
  explicit ToyServer(Workload& workload) : workload_(workload) {}

  /// Serves up to `limit` requests, calling `seen(arrival)` at each arrival; `service(arrival)`
  /// says how long it takes. Returns how many came.
  template <class Seen, class Service>
  std::size_t serve(std::size_t limit, Seen seen, Service service) {
    std::size_t count = 0;
    Arrival arrival;
    while (count < limit) {
      const std::optional<SimTime> next = workload_.next_time();
      if (!in_service_.empty() && (!next || in_service_.begin()->first.first < *next)) {
        leave();
        continue;
      }
      if (!next) break;
      workload_.next(arrival);
      in_order_ = in_order_ && arrival.at == *next && arrival.at >= now_;
      now_ = arrival.at;
      seen(std::as_const(arrival));
      in_service_[{arrival.at + service(std::as_const(arrival)), count++}] = arrival.ticket;
      peak_ = in_service_.size() > peak_ ? in_service_.size() : peak_;
    }
    return count;
  }

  /// Whether no arrival came before an earlier event.
  [[nodiscard]] bool in_order() const { return in_order_; }
  [[nodiscard]] std::size_t peak_in_service() const { return peak_; }

 private:
  void leave() {
    const auto [key, ticket] = *in_service_.begin();
    in_service_.erase(in_service_.begin());
    now_ = key.first;
    if (ticket != Arrival::kNoTicket) workload_.left(ticket, now_);
  }

  Workload& workload_;
  std::map<std::pair<SimTime, std::size_t>, std::uint32_t> in_service_;
  SimTime now_{};
  std::size_t peak_ = 0;
  bool in_order_ = true;
};

inline LengthSpec constant_length(std::int64_t tokens) {
  LengthSpec length;
  length.value = Tokens{tokens};
  return length;
}

inline LengthSpec uniform_length(std::int64_t min, std::int64_t max) {
  LengthSpec length;
  length.distribution = LengthDistribution::uniform;
  length.min = Tokens{min};
  length.max = Tokens{max};
  return length;
}

inline LengthSpec lognormal_length(double mean, double cv) {
  LengthSpec length;
  length.distribution = LengthDistribution::lognormal;
  length.mean = mean;
  length.cv = cv;
  return length;
}

/// One Poisson client at 10 requests per second with lognormal lengths and nothing shared.
inline ClientSpec plain_client(std::string name) {
  ClientSpec client;
  client.name = std::move(name);
  client.arrivals.rate = Frequency{10};
  client.prompt = lognormal_length(200, 1);
  client.output = lognormal_length(100, 1);
  return client;
}

/// The first `count` requests, each of which leaves `service` after it came.
inline std::vector<Arrival> requests(const WorkloadSpec& spec, std::uint64_t seed,
                                     std::size_t count, Duration service = Duration{}) {
  std::vector<Arrival> all;
  const auto workload = make_synthetic(spec, seed);
  ToyServer(*workload).serve(
      count, [&](const Arrival& arrival) { all.push_back(arrival); },
      [&](const Arrival&) { return service; });
  return all;
}

}  // namespace terrace::test
