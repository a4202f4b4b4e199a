#include "calibrate/loop/comparison.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/function_ref.hpp"
#include "sim/base/quantile.hpp"

namespace terrace::calibrate {
namespace {

struct Mean {
  double sum = 0;
  std::int64_t count = 0;

  void add(Duration time) {
    sum += seconds(time);
    ++count;
  }
  [[nodiscard]] std::optional<double> value() const {
    return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
  }
};

constexpr std::size_t at(Quantity quantity) { return static_cast<std::size_t>(quantity); }

void add_steps(const labs::Served& served, Quantities& q) {
  Mean prompt;
  Mean decode;
  for (const labs::ServedStep& step : served.steps) {
    (step.chunks.empty() ? decode : prompt).add(step.end - step.loaded);
  }
  q[at(Quantity::prompt_step)] = prompt.value();
  q[at(Quantity::decode_step)] = decode.value();
}

void add_turns(const labs::Served& served, Quantities& q) {
  Mean ttft;
  Mean tpot;
  for (const labs::ServedTurn& turn : served.turns) {
    ttft.add(turn.first_token - turn.arrived);
    const std::int64_t gaps = turn.tokens - 1;
    if (gaps > 0) tpot.add((turn.finished - turn.first_token) / gaps);
  }
  q[at(Quantity::ttft)] = ttft.value();
  q[at(Quantity::tpot)] = tpot.value();
}

void add_tiers(const labs::Served& served, Bytes block, Quantities& q) {
  constexpr Quantity kLoads[] = {Quantity::memory_load, Quantity::file_load};
  constexpr Quantity kMoved[] = {Quantity::memory_moved, Quantity::file_moved};
  for (std::size_t t = 0; t < served.tiers.size(); ++t) {
    const labs::TierCounts& c = served.tiers[t];
    if (c.loads > 0) q[at(kLoads[t])] = seconds(c.load_time) / static_cast<double>(c.loads);
    const Bytes moved = block * (c.read + c.written);
    if (moved > Bytes{}) q[at(kMoved[t])] = static_cast<double>(moved.count());
  }
}

ErrorSummary summary_of(const std::vector<ComparedWorkload>& workloads, std::string name,
                        FunctionRef<bool(std::size_t)> counts) {
  ErrorSummary summary;
  summary.name = std::move(name);
  std::vector<double> sizes;
  std::vector<double> spreads;
  double sum = 0;
  for (const ComparedWorkload& workload : workloads) {
    for (const ComparedQuantity& q : workload.quantities) {
      if (!counts(q.quantity)) continue;
      sizes.push_back(std::abs(q.error()));
      spreads.push_back(q.spread);
      sum += q.error();
    }
  }
  summary.count = sizes.size();
  if (sizes.empty()) return summary;
  summary.median = interpolated_quantile(sizes, 0.5);
  summary.p90 = interpolated_quantile(sizes, 0.9);
  summary.most = interpolated_quantile(sizes, 1);
  summary.bias = sum / static_cast<double>(sizes.size());
  summary.spread = interpolated_quantile(spreads, 0.5);
  return summary;
}

}  // namespace

Quantities quantities_of(const labs::Served& served, Bytes block) {
  Quantities q;
  add_steps(served, q);
  add_turns(served, q);
  add_tiers(served, block, q);
  q[at(Quantity::peak_blocks)] = static_cast<double>(served.peak_blocks);
  return q;
}

std::vector<ComparedQuantity> compare(const std::vector<Quantities>& runs,
                                      const Quantities& predicted) {
  std::vector<ComparedQuantity> all;
  for (std::size_t i = 0; i < kQuantities.size(); ++i) {
    std::vector<double> measured;
    for (const Quantities& run : runs) measured.push_back(run[i].value_or(0));
    const double middle = interpolated_quantile(measured, 0.5);
    if (middle == 0 && !predicted[i]) continue;
    const double range = interpolated_quantile(measured, 1) - interpolated_quantile(measured, 0);
    all.push_back({i, middle, middle > 0 ? range / middle : 0, predicted[i].value_or(0)});
  }
  return all;
}

std::vector<ErrorSummary> summarise(const std::vector<ComparedWorkload>& workloads) {
  std::vector<ErrorSummary> all;
  for (std::size_t i = 0; i < kQuantities.size(); ++i) {
    all.push_back(summary_of(workloads, std::string(kQuantities[i].name),
                             [i](std::size_t q) { return q == i; }));
  }
  const auto is_step = [](std::size_t q) { return q <= at(Quantity::decode_step); };
  all.push_back(summary_of(workloads, "steps", is_step));
  all.push_back(summary_of(workloads, "loads",
                           [&](std::size_t q) { return kQuantities[q].is_judged && !is_step(q); }));
  all.push_back(summary_of(workloads, "steps_and_loads",
                           [](std::size_t q) { return kQuantities[q].is_judged; }));
  return all;
}

}  // namespace terrace::calibrate
