#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/histogram.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/request.hpp"

namespace terrace {

/// The times after which sessions of one kind have come back.
class ReturnTimes {
 public:
  /// `quantile`: guess that part of them, as the least time seen that so many did not exceed; none:
  /// guess their mean.
  explicit ReturnTimes(std::optional<double> quantile) : quantile_(quantile) {}

  void add(Duration time);
  [[nodiscard]] std::int64_t samples() const { return samples_; }

  /// REQUIRES: samples() > 0.
  [[nodiscard]] Duration guess() const;

 private:
  std::optional<double> quantile_;
  std::int64_t samples_ = 0;
  Histogram::Sum sum_ = 0;
  // All times; the lower ones end with the quantile.
  std::priority_queue<Duration> lower_;
  std::priority_queue<Duration, std::vector<Duration>, std::greater<>> upper_;
};

/// Expects sessions back, and has their blocks moved up shortly before, where a tier prefetches for
/// the next turn. Sessions of a group (client and turn) are expected after what members of that
/// group took so far.
class ReturnClock {
 public:
  ReturnClock(EventLoop& loop, Hierarchy& hierarchy);

  /// A session sends its request number `turn`, which may yet be rejected.
  void came(std::uint32_t session, std::uint32_t turn);

  /// It is not rejected: what has been begun for it is now the request's.
  void takes_in(std::uint32_t session, RequestId request);

  /// A request was served.
  void left(const Request& request);

  void on(const ReturnExpected& event);

  /// Marks what will be looked for (for ContentTable::collect).
  void mark_contents(FunctionRef<void(ContentId)> mark) const;

 private:
  struct Rule {
    std::size_t tier = 0;
    std::vector<ReturnTimes> groups;
  };

  struct Session {
    std::uint32_t stamp = 0;      // grows with each turn
    std::int32_t in_engine = 0;   // turns, of traces perhaps several
    std::optional<SimTime> away;  // since then
    std::uint32_t group = 0;
    ReplicaId replica;
    std::vector<ContentId> contents;        // kept only if its return is expected
    std::vector<Prefetches::Handle> begun;  // by rule
  };

  ReturnTimes& times(Rule& rule, std::uint32_t group);

  EventLoop& loop_;
  Hierarchy& hierarchy_;
  std::vector<Rule> rules_;
  std::vector<Session> sessions_;
};

}  // namespace terrace
