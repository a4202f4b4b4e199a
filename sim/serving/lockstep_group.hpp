#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/serving/replica.hpp"

namespace terrace {

/// Replicas in time: plans a step for each, lets the GPUs compute them, books what came out, plans
/// the next. Everything that happens at one instant is known before steps are planned.
///
/// Replicas that share experts exchange tokens in every layer, so their steps begin and end
/// together; one that has nothing to do computes along with a dummy batch as long as any other has
/// work (vllm/v1/engine/core.py, DPEngineCoreProc.run_busy_loop). Others are groups of one.
///
/// A step whose requests wait for loads begins to compute when they have arrived (`blocking`), or
/// computes layer by layer behind them (`layerwise`): with loads that advance steadily, layer i of
/// L can start once i/L of the load is there, so the step ends at
///   max(start + compute, end of the load + compute / L).
/// Whoever waits keeps the whole group waiting, as does a replica that may not write down more.
class LockstepGroup {
 public:
  /// `members` are consecutive and outlive the group. REQUIRES: there is one.
  LockstepGroup(std::span<Replica> members, LoadWait wait, std::int64_t layers, EventLoop& loop,
                const CostModel& cost);

  /// A request was routed to a member.
  void accept(Replica& member, RequestId request);

  void on_tick();

  /// Tells `left` what has finished; it removes that from the table. The caller calls wake() once
  /// it knows what else arrives at this instant.
  void on_computed(FunctionRef<void(RequestId)> left);
  void on_loaded(Replica& member, RequestId request);

  /// A member's prefetch has ended, or has taken too long.
  template <class PrefetchEvent>
  void on_prefetch(Replica& member, const PrefetchEvent& event) {
    if (member.let_go(event)) wake();
  }

  /// Plans a step at the end of this instant, unless one is under way.
  void wake();

 private:
  [[nodiscard]] ReplicaId id() const { return members_.front().id(); }

  std::span<Replica> members_;
  LoadWait wait_;
  std::int64_t layers_;
  EventLoop& loop_;
  const CostModel& cost_;

  bool tick_pending_ = false;
  bool stepping_ = false;
  SimTime start_{};
  SimTime end_{};  // not earlier than this
  Duration compute_{};
  bool extrapolated_ = false;   // that time
  std::size_t loads_left_ = 0;  // that the step still waits for
  bool computed_ = false;       // the GPUs are done; only loads are missing

  std::vector<Batch> batches_;  // of the members
};

}  // namespace terrace
