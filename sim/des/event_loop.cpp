#include "sim/des/event_loop.hpp"

#include <string>

#include <fmt/format.h>

namespace terrace {
namespace {

constexpr double kSecondsPerDay = 86400;

std::string how_long(Duration d) {
  if (d == Duration::max()) return "106 days or more";
  return seconds(d) < kSecondsPerDay ? fmt::format("{:.3g} s", seconds(d))
                                     : fmt::format("{:.3g} days", seconds(d) / kSecondsPerDay);
}

}  // namespace

std::string EventLoop::past_the_end(Duration delay, std::string_view what) const {
  const Duration so_far = now_.time_since_epoch();
  const bool slow = delay >= so_far;
  return fmt::format(
      "simulated time would run past 106 days, where its clock ends: after {}, {} takes {}; {}",
      how_long(so_far), what, how_long(delay),
      slow ? "what it goes by is far too slow"
           : "the load goes on for too long: let requests come at higher rates, or fewer of them");
}

}  // namespace terrace
