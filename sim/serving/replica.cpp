#include "sim/serving/replica.hpp"

namespace terrace {

Replica::Replica(const EngineSpec& spec, const ModelShape& model, ReplicaId id,
                 RequestTable& requests, Hierarchy& hierarchy, const CostModel& cost,
                 Observer& observer)
    : id_(id),
      requests_(requests),
      hierarchy_(hierarchy),
      observer_(observer),
      scheduler_(spec, id, requests, hierarchy, LoadRule(spec, model.layers, cost, hierarchy),
                 model) {}

std::span<const RequestId> Replica::complete(SimTime start, SimTime end, Duration stall,
                                             bool extrapolated) {
  const StepPlan& plan = *plan_;
  if (plan.empty()) return {};
  for (const RequestId gate : plan.gates) requests_[gate].spend_stall(stall);
  const StepOutcome& outcome = scheduler_.complete(end);
  observer_.on_step({id_, start, end, stall, plan, outcome, extrapolated});
  busy_ += end - start;
  return outcome.finished;
}

}  // namespace terrace
