#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace terrace::kernels {

/// Copies that are started ahead of the one that is under way, each in its slot.
constexpr std::size_t kCopiesAhead = 4;

/// Where copies follow each other in their order, and do not keep the host busy. For one thread.
class CopyLane {
 public:
  CopyLane() = default;
  CopyLane(const CopyLane&) = delete;
  CopyLane& operator=(const CopyLane&) = delete;
  virtual ~CopyLane() = default;

  /// REQUIRES: slot < kCopiesAhead, and what was started there is done.
  virtual void start(std::size_t slot) = 0;
  /// Returns when what was started there is done.
  virtual void wait(std::size_t slot) = 0;
  virtual bool done(std::size_t slot) = 0;
};

/// What became of the copies so far.
struct TrafficSeen {
  std::int64_t copies = 0;  // done
  std::int64_t pauses = 0;  // times that all that was started was done: the lane was empty then
  double at = 0;            // when the last one was seen done, by steady_seconds()
};

/// One copy after the other on a thread of its own, without a pause as far as the host keeps up:
/// what is timed meanwhile is timed beside copies, if no pause was counted.
class CopyTraffic {
 public:
  /// `open` is called on that thread.
  explicit CopyTraffic(std::function<std::unique_ptr<CopyLane>()> open);
  /// Ends it when what was started is done.
  ~CopyTraffic() = default;
  CopyTraffic(const CopyTraffic&) = delete;
  CopyTraffic& operator=(const CopyTraffic&) = delete;

  /// Throws what ended it.
  [[nodiscard]] TrafficSeen seen() const;
  /// The same once `copies` are done. Throws std::runtime_error if that takes ten seconds.
  [[nodiscard]] TrafficSeen seen_after(std::int64_t copies) const;

 private:
  void run(const std::stop_token& stop, const std::function<std::unique_ptr<CopyLane>()>& open);

  mutable std::mutex mutex_;
  TrafficSeen seen_;
  std::exception_ptr error_;
  std::jthread thread_;  // the last: the others outlive it
};

}  // namespace terrace::kernels
