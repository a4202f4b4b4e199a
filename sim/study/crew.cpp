#include "sim/study/crew.hpp"

#include <algorithm>
#include <utility>

namespace terrace {

Crew::Crew(std::size_t pieces, std::size_t jobs, Work work)
    : pieces_(pieces),
      work_(std::move(work)),
      failures_(pieces),
      at_work_(std::min(pieces, std::max<std::size_t>(jobs, 1))) {
  const std::size_t threads = at_work_;  // which those that are already there may lower
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work_on(); });
}

bool Crew::working(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!idle_.wait_for(lock, patience, [this] { return at_work_ == 0; })) return true;
  for (const std::exception_ptr& failure : failures_) {
    if (failure) std::rethrow_exception(failure);
  }
  return false;
}

bool Crew::finish(FunctionRef<bool()> proceed) {
  constexpr std::chrono::milliseconds kPatience{50};
  while (working(kPatience)) {
    if (!proceed()) stop();
  }
  return !stopped();
}

void Crew::work_on() {
  const std::stop_token stop = stop_.get_token();
  for (std::size_t i = next_++; i < pieces_ && !stop.stop_requested(); i = next_++) {
    try {
      work_(i, stop);
    } catch (...) {
      failures_[i] = std::current_exception();
      stop_.request_stop();
    }
  }
  const std::lock_guard lock(mutex_);
  if (--at_work_ == 0) idle_.notify_one();
}

}  // namespace terrace
