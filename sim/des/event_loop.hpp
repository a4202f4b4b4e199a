#pragma once

#include <cstdint>
#include <variant>

#include "sim/base/units.hpp"
#include "sim/des/event.hpp"
#include "sim/des/event_queue.hpp"

namespace terrace {

template <class Part, class E>
concept Handles = requires(Part& part, const E& event) {
  part.on(event);
};

/// The clock and the future. Components post into it; `run` brings each event to every component
/// that declares `void on(const ThatEvent&)`, in the order in which the components are named.
class EventLoop {
 public:
  [[nodiscard]] SimTime now() const { return now_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

  /// REQUIRES: delay >= 0.
  void post(Duration delay, const Event& event) { queue_.post(now_ + delay, event); }

  /// Delivers events until none is left, the deadline has passed, or `proceed` says no; it is
  /// asked before each event. An event beyond the deadline stays, and the clock stays before it.
  template <class Proceed, class... Parts>
  void run(SimTime deadline, Proceed proceed, Parts&... parts) {
    while (proceed()) {
      const auto entry = queue_.pop(deadline);
      if (!entry) return;
      now_ = entry->at;
      ++delivered_;
      std::visit(
          [&]<class E>(const E& event) {
            static_assert((Handles<Parts, E> || ...), "no component handles this event");
            (deliver(parts, event), ...);
          },
          entry->what);
    }
  }

 private:
  template <class Part, class E>
  static void deliver(Part& part, const E& event) {
    if constexpr (Handles<Part, E>) part.on(event);
  }

  EventQueue<Event> queue_;
  SimTime now_{};
  std::uint64_t delivered_ = 0;
};

}  // namespace terrace
