#pragma once

#include <utility>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/serving/request.hpp"
#include "sim/serving/scheduler.hpp"

namespace terrace {

class Cluster;
class Fates;

/// What an observer may look at, for as long as the run lasts.
struct RunView {
  const EventLoop& loop;
  const Fabric& fabric;
  const Hierarchy& hierarchy;
  const Cluster& cluster;
  const std::vector<Client>& clients;
  const CostModel& cost;
  const Fates* fates = nullptr;  // if output.misses
};

/// A step that has just been computed.
struct StepRecord {
  ReplicaId replica;
  SimTime start{};
  SimTime end{};
  Duration stall{};  // part of it that waited for loads
  const StepPlan& plan;
  const StepOutcome& outcome;
  bool extrapolated = false;  // its time lies outside of what was measured
};

/// Watches a run without touching it: metrics, files, traces. Called in the order of events:
/// on_start (on_step | on_left | on_sample)* on_end
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void on_start(const RunView&) {}
  virtual void on_step(const StepRecord&) {}

  /// The request has finished, or was rejected on arrival (see Request::rejection).
  virtual void on_left(const Request&, SimTime) {}

  /// Every timeseries_interval while there is work.
  virtual void on_sample(SimTime) {}

  virtual void on_end(SimTime) {}
};

/// Several observers as one: each hears everything, in their order. They outlive it.
class Audience : public Observer {
 public:
  explicit Audience(std::vector<Observer*> all = {}) : all_(std::move(all)) {}
  void seat(std::vector<Observer*> all) { all_ = std::move(all); }

  void on_start(const RunView& view) override {
    for (Observer* o : all_) o->on_start(view);
  }
  void on_step(const StepRecord& step) override {
    for (Observer* o : all_) o->on_step(step);
  }
  void on_left(const Request& request, SimTime now) override {
    for (Observer* o : all_) o->on_left(request, now);
  }
  void on_sample(SimTime now) override {
    for (Observer* o : all_) o->on_sample(now);
  }
  void on_end(SimTime now) override {
    for (Observer* o : all_) o->on_end(now);
  }

 private:
  std::vector<Observer*> all_;
};

}  // namespace terrace
