#include "sim/study/load/visits.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/study/load/quantile.hpp"

namespace terrace {

std::optional<std::size_t> most_requests(const Scenario& scenario) {
  const LoadSpec& load = scenario.workload;
  const auto& most = load.trace ? load.trace->max_requests : load.synthetic.max_requests;
  if (most) return static_cast<std::size_t>(*most);
  if (load.trace) return std::nullopt;
  std::size_t sum = 0;
  for (const ClientSpec& client : load.synthetic.clients) {
    if (!client.max_requests) return std::nullopt;
    sum += static_cast<std::size_t>(*client.max_requests);
  }
  return sum;
}

Visits::Visits(std::span<const SloBound> bounds, std::optional<std::size_t> most)
    : bounds_(bounds), most_(most), losses_(bounds.size()) {}

void Visits::on_start(const RunView& view) {
  for (const SloBound& bound : bounds_) {
    std::uint32_t client = kEverybody;
    for (std::size_t i = 0; !bound.client.empty() && i < view.clients.size(); ++i) {
      if (view.clients[i].name == bound.client) client = static_cast<std::uint32_t>(i);
    }
    TERRACE_CHECK(bound.client.empty() || client != kEverybody);
    clients_.push_back(client);
  }
}

void Visits::on_left(const Request& request, SimTime now) {
  if (request.number >= all_.size()) all_.resize(request.number + 1);
  Visit& visit = all_[request.number];
  visit.client = request.client;
  visit.arrived = request.arrived;
  visit.left = now;
  if (request.rejection == Rejection::none) {
    visit.waited = request.ttft_parts[static_cast<std::size_t>(TtftPart::queue)] +
                   request.ttft_parts[static_cast<std::size_t>(TtftPart::kv_load)];
    visit.outcome = outcome_of(request, now);
  }
  if (most_ && 2 * request.number >= *most_) look_for_loss(visit);
}

/// Of m judged values, a quantile by nearest rank allows as many beyond the limit as lie above the
/// rank, which is never more than of `most_` values; and a mean is no less than the sum of some of
/// them over `most_`.
void Visits::look_for_loss(const Visit& visit) {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const SloBound& bound = bounds_[i];
    const auto latency = visit.latency(bound.latency);
    if (!latency || !concerns(i, visit)) continue;
    if (bound.quantile) {
      if (*latency > bound.limit) ++losses_[i].missed;
      lost_ = lost_ || losses_[i].missed > *most_ - nearest_rank(*bound.quantile, *most_);
    } else {
      losses_[i].seconds += seconds(*latency);
      lost_ = lost_ ||
              losses_[i].seconds > seconds(bound.limit) * static_cast<double>(*most_) * (1 + 1e-9);
    }
  }
}

}  // namespace terrace
