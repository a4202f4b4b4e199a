#pragma once

#include <cstdint>
#include <span>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/serving/observer.hpp"
#include "sim/serving/scheduler.hpp"

namespace terrace {

/// One serving engine in time: plans a step, lets the GPUs compute it, books what came out, plans
/// the next. Everything that happens at one instant is known before the step is planned.
///
/// A step whose requests wait for loads begins to compute when they have arrived (`blocking`), or
/// computes layer by layer behind them (`layerwise`): with loads that advance steadily, layer i of
/// L can start once i/L of the load is there, so the step ends at
///   max(start + compute, end of the load + compute / L).
class Replica {
 public:
  Replica(const EngineSpec& spec, ReplicaId id, std::int64_t layers, EventLoop& loop,
          RequestTable& requests, Hierarchy& hierarchy, const CostModel& cost, Observer& observer);

  /// A request was routed here.
  void accept(RequestId request);

  void on_tick();

  /// Returns what has finished; the caller removes it from the table, and calls wake() once it
  /// knows what else arrives at this instant.
  std::span<const RequestId> on_computed();
  void on_loaded(RequestId request);

  /// A prefetch has ended, or has taken too long.
  template <class PrefetchEvent>
  void on_prefetch(const PrefetchEvent& event) {
    if (scheduler_.let_go(event)) wake();
  }

  /// Plans a step at the end of this instant, unless one is under way.
  void wake();

  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }

  /// Time spent in steps so far.
  [[nodiscard]] Duration busy() const { return busy_; }

 private:
  LoadWait wait_;
  ReplicaId id_;
  std::int64_t layers_;
  EventLoop& loop_;
  RequestTable& requests_;
  Hierarchy& hierarchy_;
  const CostModel& cost_;
  Observer& observer_;
  Scheduler scheduler_;

  const StepPlan* plan_ = nullptr;  // of the step under way; null: idle
  SimTime start_{};
  SimTime end_{};  // not earlier than this
  Duration compute_{};
  std::size_t loads_left_ = 0;  // that the step still waits for
  bool computed_ = false;       // the GPUs are done; only loads are missing
  bool tick_pending_ = false;
  Duration busy_{};
};

}  // namespace terrace
