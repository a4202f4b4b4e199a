#include "kernels/copy_traffic.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "kernels/steady_clock.hpp"

namespace terrace::kernels {
namespace {

constexpr double kPatience = 10;  // seconds

}  // namespace

CopyTraffic::CopyTraffic(std::function<std::unique_ptr<CopyLane>()> open)
    : thread_([this, open = std::move(open)](const std::stop_token& stop) {
        try {
          run(stop, open);
        } catch (...) {
          const std::lock_guard lock(mutex_);
          error_ = std::current_exception();
        }
      }) {}

void CopyTraffic::run(const std::stop_token& stop,
                      const std::function<std::unique_ptr<CopyLane>()>& open) {
  const std::unique_ptr<CopyLane> lane = open();
  std::size_t started = 0;
  for (; started < kCopiesAhead; ++started) lane->start(started);
  for (std::size_t done = 0; done < started; ++done) {
    lane->wait(done % kCopiesAhead);
    if (stop.stop_requested()) continue;
    const bool empty = lane->done((started - 1) % kCopiesAhead);
    {
      const std::lock_guard lock(mutex_);
      ++seen_.copies;
      seen_.pauses += empty ? 1 : 0;
      seen_.at = steady_seconds();
    }
    lane->start(started++ % kCopiesAhead);
  }
}

TrafficSeen CopyTraffic::seen() const {
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  return seen_;
}

TrafficSeen CopyTraffic::seen_after(std::int64_t copies) const {
  for (const double begin = steady_seconds(); steady_seconds() - begin < kPatience;) {
    const TrafficSeen now = seen();
    if (now.copies >= copies) return now;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  throw std::runtime_error("copies that were to be in flight were not done in ten seconds");
}

}  // namespace terrace::kernels
