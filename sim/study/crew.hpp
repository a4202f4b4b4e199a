#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "sim/base/function_ref.hpp"

namespace terrace {

/// Independent pieces of work, numbered from zero and begun in that order, on threads of their own;
/// whoever makes the crew watches over it.
class Crew {
 public:
  /// Does a piece; told to stop, it may leave it half done.
  using Work = std::function<void(std::size_t piece, const std::stop_token& stop)>;

  /// `work` refers to nothing that goes before the crew does.
  Crew(std::size_t pieces, std::size_t jobs, Work work);
  ~Crew() { stop(); }  // the threads are joined as they are destroyed, before all else
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Begins no further piece and lets those under way know. So does a piece that throws.
  void stop() { stop_.request_stop(); }
  [[nodiscard]] bool stopped() const { return stop_.stop_requested(); }

  /// Waits until all is done or stopped, but no longer than `patience`: whether there is more to
  /// wait for. Then throws what the first piece, in their order, has thrown.
  bool working(std::chrono::milliseconds patience);

  /// Waits for all of it, and asks twenty times a second whether to go on; after a no, too, since
  /// what is under way may take its time. Whether it came to its end. Throws as working() does.
  bool finish(FunctionRef<bool()> proceed);

 private:
  void work_on();

  const std::size_t pieces_;
  const Work work_;
  std::stop_source stop_;
  std::atomic<std::size_t> next_{0};
  std::vector<std::exception_ptr> failures_;  // by piece, each written by one thread
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t at_work_ = 0;  // threads, under mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace terrace
