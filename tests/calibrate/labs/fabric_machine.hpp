#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "calibrate/labs/machine.hpp"
#include "sim/base/check.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/fabric/node.hpp"
#include "sim/scenario/layout.hpp"

namespace terrace::testing {

/// A machine of simulated time: moves are those of a fabric, steps take a constant and a time per
/// token, and what the model says is made up.
class FabricMachine final : public labs::Machine {
 public:
  explicit FabricMachine(const Scenario& scenario)
      : scenario_(scenario),
        places_(deployment(scenario), fabric_),
        traffic_(block_traffic(scenario)),
        streams_(scenario.tiers.size()) {}

  SimTime now() override { return loop_.now(); }

  void idle_until(SimTime time) override { advance(time - loop_.now(), ArrivalDue{0}); }

  std::vector<std::int32_t> compute(std::span<const labs::SequenceStep> sequences) override {
    std::int64_t tokens = 0;
    std::vector<std::int32_t> next;
    for (const labs::SequenceStep& s : sequences) {
      tokens += std::ssize(s.tokens);
      next.push_back(static_cast<std::int32_t>((7 * s.computed + s.tokens.back()) % 100));
    }
    const ConstantCost& cost = scenario_.serving.cost.constant;
    TERRACE_CHECK(cost.per_decode == cost.per_prefill_token);
    advance(cost.per_step + tokens * cost.per_decode, StepComputed{ReplicaId{0}});
    return next;
  }

  void queue_write(std::size_t tier, labs::BlockCopy) override { ++streams_[tier].waiting; }

  void start_writes(std::size_t tier) override {
    Stream& s = streams_[tier];
    if (s.moving > 0 || s.waiting == 0) return;
    s.moving = std::exchange(s.waiting, 0);
    const MemoryId above = tier == 0 ? places_.hbm(ReplicaId{0}) : memory(tier - 1);
    send(above, memory(tier), {labs::Arrived::What::writes, tier, 0, s.moving});
  }

  void start_load(std::size_t load, std::size_t tier,
                  std::span<const labs::BlockCopy> blocks) override {
    send(memory(tier), places_.hbm(ReplicaId{0}),
         {labs::Arrived::What::load, tier, load, std::ssize(blocks)});
  }

  void settle() override {}
  void keep_copy(std::size_t, labs::BlockCopy) override {}

  std::optional<labs::Arrived> arrived() override {
    if (told_.empty()) return std::nullopt;
    const labs::Arrived first = told_.front();
    told_.pop_front();
    return first;
  }

  labs::Arrived wait() override {
    TERRACE_CHECK(!told_.empty() || fabric_.in_flight() > 0);
    run([this] { return told_.empty(); });
    return *arrived();
  }

  // The loop's events.
  void on(const TransferDone& event) {
    const labs::Arrived arrived = on_its_way_.at(event.transfer.index());
    told_.push_back(arrived);
    if (arrived.what != labs::Arrived::What::writes) return;
    streams_[arrived.tier].moving = 0;
    start_writes(arrived.tier);
  }
  void on(const ArrivalDue&) { loop_.post(Duration{}, ScheduleTick{ReplicaId{0}}); }
  void on(const StepComputed&) { loop_.post(Duration{}, ScheduleTick{ReplicaId{0}}); }
  void on(const ScheduleTick&) { ticked_ = true; }
  template <class Other>
  void on(const Other&) {}

 private:
  struct Stream {
    std::int64_t waiting = 0;
    std::int64_t moving = 0;
  };

  [[nodiscard]] MemoryId memory(std::size_t tier) const {
    const bool dram = scenario_.tiers[tier].medium == Medium::dram;
    return dram ? places_.dram(ReplicaId{0}) : places_.nvme(ReplicaId{0});
  }

  void send(MemoryId from, MemoryId to, const labs::Arrived& what) {
    const TransferId id = fabric_.start(from, to, traffic_.cargo(what.blocks, what.blocks));
    on_its_way_[id.index()] = what;
  }

  /// Lets time pass up to the event, and what happens at that instant.
  void advance(Duration delay, const Event& event) {
    ticked_ = false;
    loop_.post(delay, event);
    run([this] { return !ticked_; });
  }

  template <class Proceed>
  void run(Proceed proceed) {
    loop_.run(SimTime::max(), proceed, fabric_, *this);
  }

  const Scenario& scenario_;
  EventLoop loop_;
  Fabric fabric_{loop_};
  Deployment places_;
  BlockTraffic traffic_;
  std::vector<Stream> streams_;
  std::map<std::size_t, labs::Arrived> on_its_way_;
  std::deque<labs::Arrived> told_;
  bool ticked_ = false;
};

}  // namespace terrace::testing
