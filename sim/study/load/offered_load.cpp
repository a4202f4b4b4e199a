#include <algorithm>
#include <cmath>

#include "sim/study/load/trial.hpp"

namespace terrace {
namespace {

constexpr double kMostUsers = 1e6;  // as in a file

Frequency mean_rate(const ArrivalSpec& a) {
  if (a.process != ArrivalLaw::on_off) return a.rate;
  const double on = seconds(a.mean_on);
  const double off = seconds(a.mean_off);
  return Frequency{(a.rate_on.count() * on + a.rate_off.count() * off) / (on + off)};
}

void scale(Frequency& rate, double factor) { rate = Frequency{rate.count() * factor}; }

}  // namespace

std::optional<double> users_of(const Scenario& scenario, const Trial& trial) {
  std::optional<double> users;
  const auto& clients = scenario.workload.synthetic.clients;
  for (std::size_t i = 0; i < clients.size() && !scenario.workload.trace; ++i) {
    const ClientSpec& client = clients[i];
    if (client.arrivals.process == ArrivalLaw::closed_loop) {
      users = users.value_or(0) + static_cast<double>(client.arrivals.users);
    } else if (client.content.kind == ContentLaw::conversation && i < trial.clients.size()) {
      const ClientLoad& load = trial.clients[i];
      const double pauses = load.offered.count() - mean_rate(client.arrivals).count();
      users = users.value_or(0) + load.concurrency +
              std::max(0.0, pauses) * seconds(client.content.think.mean);
    }
  }
  return users;
}

std::optional<Frequency> offered_rate(const Scenario& scenario) {
  if (scenario.workload.trace) return scenario.workload.trace->rate;
  std::optional<Frequency> sum;
  for (const ClientSpec& client : scenario.workload.synthetic.clients) {
    if (client.arrivals.process == ArrivalLaw::closed_loop) continue;
    sum = sum.value_or(Frequency{}) + mean_rate(client.arrivals);
  }
  return sum;
}

Scenario scaled_load(const Scenario& scenario, double factor) {
  Scenario scaled = scenario;
  if (auto& trace = scaled.workload.trace) {
    if (trace->rate) {
      scale(*trace->rate, factor);
    } else {
      trace->speedup *= factor;
    }
    return scaled;
  }
  for (ClientSpec& client : scaled.workload.synthetic.clients) {
    ArrivalSpec& a = client.arrivals;
    scale(a.rate, factor);
    scale(a.rate_on, factor);
    scale(a.rate_off, factor);
    const double users = std::round(static_cast<double>(a.users) * factor);
    a.users = static_cast<std::int64_t>(std::clamp(users, 1.0, kMostUsers));
  }
  return scaled;
}

}  // namespace terrace
