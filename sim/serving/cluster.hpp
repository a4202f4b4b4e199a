#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/content_table.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/lockstep_group.hpp"
#include "sim/serving/model_shape.hpp"
#include "sim/serving/observer.hpp"
#include "sim/serving/replica.hpp"
#include "sim/serving/request.hpp"
#include "sim/serving/return_clock.hpp"
#include "sim/serving/routers/policy.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// Requests that came, and where they are now: came = finished + rejected + live.
struct RequestCounts {
  std::int64_t came = 0;
  std::int64_t finished = 0;
  std::int64_t rejected = 0;
};

/// Equal engines.
struct FleetSpec {
  EngineSpec engine;
  ModelShape model;
  Tokens max_model_len;
  std::size_t data_parallel = 1;  // that step together
};

/// The replicas behind a router, and the stream of requests into them.
class Cluster final : public FleetView {
 public:
  /// REQUIRES: spec.data_parallel divides the parts of HBM.
  Cluster(const FleetSpec& spec, EventLoop& loop, ContentTable& contents, Hierarchy& hierarchy,
          const CostModel& cost, Workload& workload, std::unique_ptr<Router> router,
          Observer& observer);

  /// Posts the first arrival.
  void start() { arm(); }

  void on(const ArrivalDue& event);
  void on(const ScheduleTick& event) { group_of(event.replica).on_tick(); }
  void on(const StepComputed& event);
  void on(const LoadDone& event);
  void on(const PrefetchDone& event) { prefetched(event); }
  void on(const PrefetchTimeout& event) { prefetched(event); }
  void on(const ReturnExpected& event) { returns_.on(event); }

  [[nodiscard]] const RequestCounts& counts() const { return counts_; }
  [[nodiscard]] const std::vector<Replica>& all() const { return replicas_; }

  /// When the next request is known to come; SimTime::max() if none is.
  [[nodiscard]] SimTime next_arrival() const { return armed_; }

  /// No request is here.
  [[nodiscard]] bool idle() const { return requests_.live() == 0; }

  /// No request is here and none is to come.
  [[nodiscard]] bool done() const { return idle() && armed_ == SimTime::max(); }

  [[nodiscard]] std::size_t replicas() const override { return replicas_.size(); }
  [[nodiscard]] SimTime now() const override { return loop_.now(); }
  [[nodiscard]] std::int64_t requests(ReplicaId replica) const override;
  [[nodiscard]] std::int64_t running(ReplicaId replica) const override;
  [[nodiscard]] Tokens backlog(ReplicaId replica) const override;
  [[nodiscard]] std::int64_t held_blocks(ReplicaId replica) const override;
  [[nodiscard]] std::int64_t cached_blocks(ReplicaId replica) const override;
  [[nodiscard]] Tokens block_size() const override { return contents_.block_size(); }

 private:
  LockstepGroup& group_of(ReplicaId replica) { return groups_[replica.index() / data_parallel_]; }
  template <class PrefetchEvent>
  void prefetched(const PrefetchEvent& event) {
    const ReplicaId replica = requests_[event.request].replica;
    group_of(replica).on_prefetch(replicas_[replica.index()], event);
  }
  void arm();
  void admit_arrival();
  void leave(RequestId id);
  void collect_contents();

  EventLoop& loop_;
  ContentTable& contents_;
  Hierarchy& hierarchy_;
  Workload& workload_;
  std::unique_ptr<Router> router_;
  Observer& observer_;
  Tokens max_model_len_;
  std::size_t data_parallel_;
  std::vector<std::vector<Retention>> retention_;  // by client
  RequestTable requests_;
  std::vector<Replica> replicas_;
  std::vector<LockstepGroup> groups_;
  ReturnClock returns_;

  Arrival arrival_;                 // scratch
  RequestId routed_;                // the request a router is asked about
  SimTime armed_ = SimTime::max();  // when ArrivalDue is due; max: it is not
  std::uint32_t stamp_ = 0;
  RequestCounts counts_;
};

}  // namespace terrace
