#include "sim/des/event_loop.hpp"

#include <chrono>
#include <string>

#include <fmt/format.h>

namespace terrace {
namespace {

constexpr Duration kDay = std::chrono::days{1};

std::string how_long(Duration d) {
  if (d == Duration::max()) return "106 days or more";
  return d < kDay ? fmt::format("{:.3g} s", seconds(d))
                  : fmt::format("{:.3g} days", seconds(d) / seconds(kDay));
}

}  // namespace

std::string EventLoop::past_the_end(Duration delay, std::string_view what) const {
  const Duration so_far = now_.time_since_epoch();
  const bool slow = delay >= so_far;
  return fmt::format(
      "after {}, {} takes {}; {}", how_long(so_far), what, how_long(delay),
      slow ? "what it goes by is far too slow"
           : "the load goes on for too long: let requests come at higher rates, or fewer of them");
}

}  // namespace terrace
