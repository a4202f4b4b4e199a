#pragma once

#include <cstdint>
#include <span>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/serving/model_shape.hpp"
#include "sim/serving/observer.hpp"
#include "sim/serving/scheduler.hpp"

namespace terrace {

/// One serving engine: its scheduler, and what its steps came to. When it steps is up to its
/// LockstepGroup.
///
/// Protocol: ((enqueue | loaded | let_go | look_ahead)* plan complete?)*
class Replica {
 public:
  Replica(const EngineSpec& spec, const ModelShape& model, ReplicaId id, RequestTable& requests,
          Hierarchy& hierarchy, const CostModel& cost, Observer& observer);

  [[nodiscard]] ReplicaId id() const { return id_; }

  /// See Scheduler.
  void enqueue(RequestId request) { scheduler_.enqueue(request); }
  void loaded(RequestId request, SimTime now) { scheduler_.loaded(request, now); }
  template <class PrefetchEvent>
  bool let_go(const PrefetchEvent& event) {
    return scheduler_.let_go(event);
  }
  void look_ahead() { scheduler_.look_ahead(); }

  /// Whether it has to wait for its writes before it may plan.
  [[nodiscard]] bool blocked() const { return hierarchy_.writes().block_engine(id_); }

  /// Decides the next step; an empty plan if there is nothing to do.
  const StepPlan& plan(SimTime now) {
    plan_ = &scheduler_.plan(now);
    hierarchy_.writes().settle_evictions(id_);
    scheduler_.look_ahead();
    return *plan_;
  }

  /// The planned step is over, `stall` of it spent waiting for loads. Returns what has finished;
  /// nothing has if the plan was empty.
  std::span<const RequestId> complete(SimTime start, SimTime end, Duration stall,
                                      bool extrapolated);

  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }

  /// Time spent so far in steps that had work for it.
  [[nodiscard]] Duration busy() const { return busy_; }

 private:
  ReplicaId id_;
  RequestTable& requests_;
  Hierarchy& hierarchy_;
  Observer& observer_;
  Scheduler scheduler_;
  const StepPlan* plan_ = nullptr;  // the latest
  Duration busy_{};
};

}  // namespace terrace
