#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/histogram.hpp"
#include "sim/base/units.hpp"
#include "sim/metrics/occupancy.hpp"
#include "sim/metrics/queue_trend.hpp"
#include "sim/metrics/summary.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

/// Counts what happens in a run. Memory depends neither on its length nor on its requests.
///
/// A request counts when it leaves, a step when it has been computed. What all running requests do
/// alike, one token per step, is one weighted entry in a histogram, not one per request.
class Recorder final : public Observer {
 public:
  /// `block_bytes`: one engine block on all GPUs of a replica (Dimensions::block_bytes).
  explicit Recorder(Bytes block_bytes) : block_bytes_(block_bytes) {}

  void on_start(const RunView& view) override;

  /// About 10 ns if nothing but decodes, and 2 ns for every tier. O(late tokens + tiers).
  void on_step(const StepRecord& step) override;

  /// About 20 ns.
  void on_left(const Request& request, SimTime now) override;

  /// Takes the last look; from here on, nothing of the run is needed any more.
  void on_end(SimTime now) override;

  /// The run, with its verdict. `complete`: what Simulation::run() returned; if false, preemptions
  /// are those of all steps, recomputed tokens those of the requests that have left.
  /// REQUIRES: on_end has been called.
  [[nodiscard]] Summary summary(bool complete = true) const;

 private:
  void add_level(TierSummary level, std::size_t first_pool, std::size_t pools, std::int64_t ratio,
                 SimTime now);

  Bytes block_bytes_;
  const Fabric* fabric_ = nullptr;
  const Hierarchy* hierarchy_ = nullptr;
  const CostModel* cost_ = nullptr;
  const Cluster* cluster_ = nullptr;
  const Fates* fates_ = nullptr;  // if output.misses

  Summary books_;  // what is booked as it will be reported; `all` is made up in summary()
  Histogram itl_;
  QueueTrend trend_;                                     // of the time in the queue and in loads
  std::array<Histogram::Sum, kTtftParts> ttft_parts_{};  // picoseconds
  std::array<Duration, kWaits> waits_{};
  std::int64_t preempted_in_steps_ = 0;
  SimTime last_left_{};

  // Every pool of the hierarchy: HBM by replica, then the parts of each tier.
  std::vector<Occupancy> pools_;
  std::vector<std::vector<std::size_t>> below_;  // replica -> tier -> into pools_
};

}  // namespace terrace
