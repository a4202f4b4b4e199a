#include "kernels/cpu/threads.hpp"

#include <utility>

#include "sim/base/check.hpp"

namespace terrace::kernels::cpu {

Threads::Threads(int count) {
  TERRACE_CHECK(count >= 1);
  for (int i = 1; i < count; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
  }
}

void Threads::run(std::size_t pieces, Work work) {
  {
    const std::lock_guard lock(mutex_);
    pieces_ = pieces;
    work_ = work;
    next_ = 0;
    ++call_;
    at_work_ = pieces > 1 ? threads_.size() : 0;
    if (at_work_ > 0) wake_.notify_all();
  }
  take_pieces();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return at_work_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Threads::serve(const std::stop_token& stop) {
  std::size_t served = 0;
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [&] { return at_work_ > 0 && call_ != served; })) {
    served = call_;
    lock.unlock();
    take_pieces();
    lock.lock();
    if (--at_work_ == 0) idle_.notify_one();
  }
}

void Threads::take_pieces() {
  try {
    for (std::size_t i = next_++; i < pieces_; i = next_++) (*work_)(i);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    next_ = pieces_;
  }
}

}  // namespace terrace::kernels::cpu
