#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/content_table.hpp"
#include "sim/kv/hierarchy.hpp"
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

/// The replicas behind a router, and the stream of requests into them.
class Cluster final : public FleetView {
 public:
  Cluster(const EngineSpec& spec, Tokens max_model_len, std::int64_t layers, EventLoop& loop,
          ContentTable& contents, Hierarchy& hierarchy, const CostModel& cost, Workload& workload,
          std::unique_ptr<Router> router, Observer& observer);

  /// Posts the first arrival.
  void start() { arm(); }

  void on(const ArrivalDue& event);
  void on(const ScheduleTick& event) { replicas_[event.replica.index()].on_tick(); }
  void on(const StepComputed& event);
  void on(const LoadDone& event) { replicas_[event.replica.index()].on_loaded(event.request); }
  void on(const PrefetchDone& event) { replica_of(event.request).on_prefetch(event); }
  void on(const PrefetchTimeout& event) { replica_of(event.request).on_prefetch(event); }
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
  [[nodiscard]] std::int64_t requests(ReplicaId replica) const override;
  [[nodiscard]] Tokens backlog(ReplicaId replica) const override;
  [[nodiscard]] std::int64_t held_blocks(ReplicaId replica) const override;
  [[nodiscard]] std::int64_t cached_blocks(ReplicaId replica) const override;
  [[nodiscard]] Tokens block_size() const override { return contents_.block_size(); }

 private:
  Replica& replica_of(RequestId id) { return replicas_[requests_[id].replica.index()]; }
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
  std::vector<std::vector<Retention>> retention_;  // by client
  RequestTable requests_;
  std::vector<Replica> replicas_;
  ReturnClock returns_;

  Arrival arrival_;                 // scratch
  RequestId routed_;                // the request a router is asked about
  SimTime armed_ = SimTime::max();  // when ArrivalDue is due; max: it is not
  std::uint32_t stamp_ = 0;
  RequestCounts counts_;
};

}  // namespace terrace
