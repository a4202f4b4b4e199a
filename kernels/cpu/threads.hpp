#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "sim/base/function_ref.hpp"

namespace terrace::kernels::cpu {

/// Threads that stay, for work of microseconds: run() lets them and its caller take numbered pieces
/// until none is left. Which thread does a piece is chance; a piece must write what no other one
/// touches, and what it does must follow from its number alone. Then results are the same for any
/// number of threads.
class Threads {
 public:
  using Work = FunctionRef<void(std::size_t piece)>;

  /// `count` threads in all, the caller of run() among them. REQUIRES: count >= 1.
  explicit Threads(int count);
  ~Threads() = default;  // the threads are asked to stop and joined before all else goes
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  [[nodiscard]] int count() const { return static_cast<int>(threads_.size()) + 1; }

  /// Returns when all pieces are done. If one throws, no further one begins, and one of the
  /// exceptions is thrown. One call at a time.
  void run(std::size_t pieces, Work work);

 private:
  void serve(const std::stop_token& stop);
  void take_pieces();

  std::mutex mutex_;
  std::condition_variable_any wake_, idle_;
  // What the present call asks for: set under the mutex while no thread is at work.
  std::size_t pieces_ = 0;
  std::optional<Work> work_;
  std::size_t call_ = 0;     // under mutex_
  std::size_t at_work_ = 0;  // under mutex_
  std::exception_ptr failure_;
  std::atomic<std::size_t> next_{0};
  std::vector<std::jthread> threads_;
};

}  // namespace terrace::kernels::cpu
