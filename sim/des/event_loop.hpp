#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "sim/base/units.hpp"
#include "sim/des/event.hpp"
#include "sim/des/event_queue.hpp"

namespace terrace {

template <class Part, class E>
concept Handles = requires(Part& part, const E& event) {
  part.on(event);
};

/// Something would happen later than the clock can tell. `what` names it, and what to change; the
/// message begins with what is the same of all.
class EndOfTime : public std::runtime_error {
 public:
  explicit EndOfTime(const std::string& what)
      : std::runtime_error("simulated time would run past 106 days, where its clock ends: " +
                           what) {}
};

/// The clock and the future. Components post into it; `run` brings each event to every component
/// that declares `void on(const ThatEvent&)`, in the order in which the components are named.
class EventLoop {
 public:
  [[nodiscard]] SimTime now() const { return now_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

  /// Events that are still to be delivered.
  [[nodiscard]] std::size_t pending() const { return queue_.size(); }

  /// The instant so much later than now. Throws EndOfTime if there is none; `what` takes the time.
  [[nodiscard]] SimTime after(Duration delay, std::string_view what) const {
    if (!reaches(delay)) throw EndOfTime(past_the_end(delay, what));
    return now_ + delay;
  }

  /// Throws EndOfTime. REQUIRES: delay >= 0.
  void post(Duration delay, const Event& event, std::string_view what = "an event") {
    queue_.post(after(delay, what), event);
  }

  /// The same for what is of no consequence once all else has happened: beyond the clock, it is
  /// dropped.
  void post_if_ever(Duration delay, const Event& event) {
    if (reaches(delay)) queue_.post(now_ + delay, event);
  }

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
  [[nodiscard]] bool reaches(Duration delay) const { return delay <= SimTime::max() - now_; }
  [[nodiscard]] std::string past_the_end(Duration delay, std::string_view what) const;

  template <class Part, class E>
  static void deliver(Part& part, const E& event) {
    if constexpr (Handles<Part, E>) part.on(event);
  }

  EventQueue<Event> queue_;
  SimTime now_{};
  std::uint64_t delivered_ = 0;
};

}  // namespace terrace
