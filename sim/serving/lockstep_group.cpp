#include "sim/serving/lockstep_group.hpp"

#include <algorithm>

namespace terrace {

LockstepGroup::LockstepGroup(std::span<Replica> members, LoadWait wait, std::int64_t layers,
                             EventLoop& loop, const CostModel& cost)
    : members_(members), wait_(wait), layers_(layers), loop_(loop), cost_(cost) {
  batches_.resize(members.size());
}

void LockstepGroup::wake() {
  if (stepping_ || tick_pending_) return;
  tick_pending_ = true;
  loop_.post(Duration::zero(), ScheduleTick{id()});
}

void LockstepGroup::accept(Replica& member, RequestId request) {
  member.enqueue(request);
  if (stepping_) member.look_ahead();
  wake();
}

void LockstepGroup::on_tick() {
  tick_pending_ = false;
  if (stepping_) return;
  if (std::any_of(members_.begin(), members_.end(), [](Replica& r) { return r.blocked(); })) {
    for (Replica& member : members_) member.look_ahead();
    return;
  }
  loads_left_ = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const StepPlan& plan = members_[i].plan(loop_.now());
    batches_[i] = plan.batch();
    loads_left_ += plan.gates.size();
    stepping_ = stepping_ || !plan.empty();
  }
  if (!stepping_) return;

  start_ = loop_.now();
  const Estimate estimate = cost_.step(batches_);
  compute_ = estimate.time;
  extrapolated_ = estimate.extrapolated;
  end_ = loop_.after(compute_, "a step");
  computed_ = false;
  if (loads_left_ == 0 || wait_ == LoadWait::layerwise) {
    loop_.post(compute_, StepComputed{id()});
  } else {
    computed_ = true;  // blocking: on_loaded() posts the whole computation
  }
}

void LockstepGroup::on_loaded(Replica& member, RequestId request) {
  if (wait_ == LoadWait::park) {
    member.loaded(request, loop_.now());
    wake();
    return;
  }
  if (--loads_left_ > 0) return;
  const bool blocking = wait_ == LoadWait::blocking;
  end_ = std::max(end_, loop_.after(blocking ? compute_ : compute_ / layers_, "a step"));
  if (computed_) loop_.post(end_ - loop_.now(), StepComputed{id()});
}

void LockstepGroup::on_computed(FunctionRef<void(RequestId)> left) {
  computed_ = true;
  if (loads_left_ > 0) return;
  if (loop_.now() < end_) {
    loop_.post(end_ - loop_.now(), StepComputed{id()});
    return;
  }
  const Duration stall = end_ - start_ - compute_;
  for (Replica& member : members_) {
    for (const RequestId id : member.complete(start_, loop_.now(), stall, extrapolated_)) left(id);
  }
  stepping_ = false;
}

}  // namespace terrace
