#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/request.hpp"

namespace terrace {

/// A place in the queue: the least goes first.
struct Queued {
  std::int64_t major = 0;
  std::uint64_t minor = 0;
  RequestId request;
  friend auto operator<=>(const Queued&, const Queued&) = default;
};

/// The queue of one scheduler as prefetch rules see it: whose blocks are to be moved up when, and
/// who has to wait for that.
///
/// on_arrival: SGLang's HiRadixCache.prefetch_from_storage and check_prefetch_progress; a request
/// that may be scheduled keeps its prefetch until it is admitted; a batch that is moving then
/// counts as missing. queue: CachedAttention's look-ahead (ATC'24, section 3.3.1), one request
/// after the other, for those only that the scheduler has left in the queue.
class Prefetcher {
 public:
  Prefetcher(ReplicaId replica, Tokens block, RequestTable& requests, Hierarchy& hierarchy);

  /// A request has come. Returns whether it may be scheduled; else an event lets go of it.
  bool arrived(const Queued& place);

  /// A request is in the queue, perhaps again.
  void queued(const Queued& place);

  /// A request could be admitted. Returns whether it has to wait after all, for the batch that is
  /// moving for it, as it does under any rule without a `stop` of its own; an event lets go of it.
  bool holds_back(RequestId id);

  /// A request has left the queue, and loads what is there.
  void admitted(const Queued& place);

  /// The scheduler admits nobody else at this instant.
  void look_ahead() {
    for (Window& window : windows_) advance(window);
  }

  /// Whether a request that had to wait may be scheduled from now on.
  bool lets_go(const PrefetchDone& event);
  bool lets_go(const PrefetchTimeout& event);

  /// Requests that have to wait.
  [[nodiscard]] std::size_t kept() const { return kept_; }

 private:
  /// The look-ahead into one tier. All sizes are in engine blocks.
  struct Window {
    std::size_t tier = 0;
    std::int64_t requests = 0;  // at most; 0: any number, of
    std::int64_t blocks = 0;    // at most this size
    std::set<Queued> upcoming;  // in the queue, not looked at
    std::set<Queued> begun;
    std::int64_t begun_blocks = 0;
    RequestId moving = RequestId::none();
  };

  [[nodiscard]] std::vector<ContentId> wanted(std::size_t tier, RequestId id) const;
  [[nodiscard]] std::int64_t size(RequestId id) const;
  [[nodiscard]] bool holds(const Window& window, const Queued& place) const;
  bool begin(std::size_t tier, RequestId id);
  void advance(Window& window);
  bool open_gate(RequestId id, std::uint32_t tier);

  ReplicaId replica_;
  std::int64_t block_;
  RequestTable& requests_;
  Hierarchy& hierarchy_;
  std::vector<std::size_t> on_arrival_;  // tiers of that rule
  std::vector<std::size_t> others_;      // tiers of another
  std::vector<Window> windows_;
  bool any_ = false;                                     // rule that has to do with requests
  std::set<std::pair<RequestId, std::uint32_t>> gates_;  // who waits for a prefetch from where
  std::size_t kept_ = 0;
};

}  // namespace terrace
