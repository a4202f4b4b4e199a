#include "sim/serving/replica.hpp"

#include <algorithm>

namespace terrace {

Replica::Replica(const EngineSpec& spec, ReplicaId id, std::int64_t layers, EventLoop& loop,
                 RequestTable& requests, Hierarchy& hierarchy, const CostModel& cost,
                 Observer& observer)
    : wait_(spec.load_wait),
      id_(id),
      layers_(layers),
      loop_(loop),
      requests_(requests),
      hierarchy_(hierarchy),
      cost_(cost),
      observer_(observer),
      scheduler_(spec, id, requests, hierarchy, LoadRule(spec, layers, cost, hierarchy)) {}

void Replica::wake() {
  if (plan_ != nullptr || tick_pending_) return;
  tick_pending_ = true;
  loop_.post(Duration::zero(), ScheduleTick{id_});
}

void Replica::accept(RequestId request) {
  scheduler_.enqueue(request);
  if (plan_ != nullptr) scheduler_.look_ahead();
  wake();
}

void Replica::on_tick() {
  tick_pending_ = false;
  if (plan_ != nullptr) return;
  if (hierarchy_.writes().block_engine(id_)) {
    scheduler_.look_ahead();
    return;
  }
  const StepPlan& plan = scheduler_.plan(loop_.now());
  hierarchy_.writes().settle_evictions(id_);
  scheduler_.look_ahead();
  if (plan.empty()) return;

  plan_ = &plan;
  start_ = loop_.now();
  compute_ = cost_.time(plan.batch());
  end_ = loop_.after(compute_);
  loads_left_ = plan.gates.size();
  computed_ = false;
  if (loads_left_ == 0 || wait_ == LoadWait::layerwise) {
    loop_.post(compute_, StepComputed{id_});
  } else {
    computed_ = true;  // blocking: on_loaded() posts the whole computation
  }
}

void Replica::on_loaded(RequestId request) {
  if (wait_ == LoadWait::park) {
    scheduler_.loaded(request, loop_.now());
    wake();
    return;
  }
  if (--loads_left_ > 0) return;
  const bool blocking = wait_ == LoadWait::blocking;
  end_ = std::max(end_, loop_.after(blocking ? compute_ : compute_ / layers_));
  if (computed_) loop_.post(end_ - loop_.now(), StepComputed{id_});
}

std::span<const RequestId> Replica::on_computed() {
  computed_ = true;
  if (loads_left_ > 0) return {};
  if (loop_.now() < end_) {
    loop_.post(end_ - loop_.now(), StepComputed{id_});
    return {};
  }
  const Duration stall = end_ - start_ - compute_;
  for (const RequestId gate : plan_->gates) requests_[gate].spend_stall(stall);
  const StepPlan& plan = *plan_;
  const StepOutcome& outcome = scheduler_.complete(loop_.now());
  observer_.on_step({id_, start_, loop_.now(), stall, plan, outcome});
  busy_ += loop_.now() - start_;
  plan_ = nullptr;
  return outcome.finished;
}

}  // namespace terrace
