#pragma once

#include <map>
#include <vector>

#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"

namespace terrace::testing {

/// A fabric alone with its clock, and a clipboard.
struct Workbench {
  EventLoop loop;
  Fabric fabric{loop};
  std::map<TransferId, SimTime> done;
  std::vector<TransferId> order;

  void on(const TransferDone& event) {
    done[event.transfer] = loop.now();
    order.push_back(event.transfer);
  }
  template <class Other>
  void on(const Other&) {}

  void run(SimTime until = SimTime::max()) {
    loop.run(
        until, [] { return true; }, fabric, *this);
  }

  /// Runs to `until` and leaves the clock there.
  void run_to(Duration until) {
    loop.post(SimTime{} + until - loop.now(), SampleDue{});
    run(SimTime{} + until);
  }

  [[nodiscard]] LinkReport report(LinkId link) const {
    return fabric.report(loop.now())[link.index()];
  }

  LinkId link(MemoryId from, MemoryId to, Bandwidth bandwidth, Duration latency = {},
              Discipline discipline = Discipline::fair) {
    LinkSpec spec;
    spec.name = "link";
    spec.bandwidth = bandwidth;
    spec.latency = latency;
    spec.discipline = discipline;
    return fabric.add_link(from, to, spec);
  }
};

}  // namespace terrace::testing
