#include "sim/workload/load_clock.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "sim/des/event_loop.hpp"

namespace terrace {
namespace {

/// What an open loop sends at its busiest, per second, and how uneven its gaps are then; nothing if
/// answers decide when it sends.
struct Pace {
  double rate = 0;
  double cv = 0;
};
std::optional<Pace> fastest(const ClientSpec& client) {
  const ArrivalSpec& a = client.arrivals;
  if (client.content.kind == ContentLaw::conversation) return std::nullopt;
  switch (a.process) {
    case ArrivalLaw::poisson:
      return Pace{a.rate.count(), 1};
    case ArrivalLaw::deterministic:
      return Pace{a.rate.count(), 0};
    case ArrivalLaw::gamma:
      return Pace{a.rate.count(), a.cv};
    case ArrivalLaw::on_off:
      return Pace{std::max(a.rate_on.count(), a.rate_off.count()), 1};
    case ArrivalLaw::diurnal:
      return Pace{a.rate.count() * (1 + a.amplitude), 1};
    case ArrivalLaw::closed_loop:
      break;
  }
  return std::nullopt;
}

std::string pace_keys(const ClientSpec& client, std::size_t index) {
  const std::string at = fmt::format("workload.clients[{}].", index);
  const bool talks = client.content.kind == ContentLaw::conversation;
  switch (client.arrivals.process) {
    case ArrivalLaw::closed_loop:
      return fmt::format("lower {0}arrivals.think{1} or {0}arrivals.ramp", at,
                         talks ? fmt::format(", {}content.think", at) : "");
    case ArrivalLaw::on_off:
      return fmt::format("raise {0}arrivals.rate_on or {0}arrivals.rate_off", at);
    case ArrivalLaw::poisson:
    case ArrivalLaw::gamma:
    case ArrivalLaw::deterministic:
    case ArrivalLaw::diurnal:
      break;
  }
  return fmt::format("raise {}arrivals.rate", at);
}

/// Ten standard deviations less than the mean of so many gaps.
double least_seconds(std::int64_t requests, const Pace& pace) {
  const auto gaps = static_cast<double>(requests - 1);  // the first may come at once
  return (gaps - 10 * pace.cv * std::sqrt(gaps)) / pace.rate;
}

}  // namespace

LoadClock::LoadClock(const WorkloadSpec& spec) {
  Pace all;
  bool open = true;
  std::int64_t requests = spec.max_requests.value_or(0);
  std::int64_t by_clients = 0;  // no more than this, if each says
  bool each_says = true;
  const auto check = [](std::int64_t count, const Pace& pace, const std::string& change) {
    const double least = least_seconds(count, pace);
    if (least < seconds(Duration::max())) return;
    throw EndOfTime(fmt::format(
        "{} requests at {:.3g} /s take {:.3g} days; {}", count, pace.rate,
        static_cast<double>(count) / pace.rate / seconds(std::chrono::days{1}), change));
  };
  for (std::size_t i = 0; i < spec.clients.size(); ++i) {
    const ClientSpec& client = spec.clients[i];
    clients_.push_back({client.name, pace_keys(client, i)});
    const auto pace = fastest(client);
    open = open && pace.has_value();
    each_says = each_says && client.max_requests.has_value();
    by_clients += std::min(client.max_requests.value_or(0), requests);
    if (!pace) continue;
    all.rate += pace->rate;
    all.cv = std::max(all.cv, pace->cv);
    if (spec.duration || spec.max_requests || !client.max_requests) continue;
    check(*client.max_requests, *pace,
          fmt::format("{}, or lower workload.clients[{}].max_requests", clients_.back().pace, i));
  }
  if (!open || spec.duration || !spec.max_requests) return;
  if (each_says) requests = std::min(requests, by_clients);
  check(requests, all, fmt::format("{}, or lower workload.max_requests", clients_.front().pace));
}

void LoadClock::fail(std::size_t client, std::int64_t sent) const {
  throw EndOfTime(fmt::format(
      "after {} requests, the next of client '{}' would come later; {}, or end the load sooner "
      "with workload.max_requests or workload.duration",
      sent, clients_[client].name, clients_[client].pace));
}

}  // namespace terrace
