#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/serving/request.hpp"

namespace terrace {

/// The running requests that merely decode, one token per step, in O(what changes) per step.
///
/// A member is not touched while it decodes: its length is what it was when it joined plus the
/// steps since. Kept up to date are only sums; the lengths, sorted, as they all grow alike; and two
/// calendars: members that need a new block, in buckets by the step's number modulo the block size,
/// since a sequence meets a block boundary every block_size steps; and members that finish, in a
/// heap by the number of their last step.
class DecodeSet {
 public:
  DecodeSet(Tokens block_size, RequestTable& requests)
      : requests_(requests), buckets_(static_cast<std::size_t>(block_size.count())) {}

  [[nodiscard]] std::int64_t size() const { return size_; }

  /// Tokens that all members attend to in the coming step, its own included.
  [[nodiscard]] Tokens context() const { return Tokens{context_}; }

  /// Tokens that the longest member attends to in the coming step; none without members.
  [[nodiscard]] Tokens longest() const {
    return Tokens{starts_.empty() ? 0 : step_ - starts_.begin()->first};
  }

  /// Members that the last step left out.
  [[nodiscard]] std::int64_t stalled() const { return stalled_; }

  /// From the coming step on. REQUIRES: one token of the request is known and not computed.
  void join(RequestId id);

  /// Leaves with `computed` and `generated` as of now.
  void leave(RequestId id);

  /// Tokens computed for a request, member or not.
  [[nodiscard]] Tokens computed(const Request& r) const;

  /// Members whose token of the coming step is the first of a block, and those whose token fills
  /// one.
  [[nodiscard]] const std::vector<RequestId>& starting_a_block() const { return bucket(step_); }
  [[nodiscard]] const std::vector<RequestId>& filling_a_block() const { return bucket(step_ + 1); }

  /// The coming step has no room for this member: it stays where it is while the others go on. Its
  /// latest token is of `latest`.
  void stall(RequestId id, SimTime latest);

  /// A stalled member has got its token.
  void recover(RequestId id);

  /// The coming step is decided: all members that were not stalled have one token more.
  void advance() {
    ++step_;
    context_ += size_;
  }

  /// Appends the members whose last token the latest step has computed. They have to leave.
  void take_finished(std::vector<RequestId>& finished);

 private:
  /// Void if the request's stamp has changed. Whoever stalls or is preempted finishes later than
  /// it would have, so a void entry is gone before its request leaves and the id is used again.
  struct Finish {
    std::int64_t step = 0;
    std::uint32_t stamp = 0;
    RequestId request;
    friend bool operator>(const Finish& a, const Finish& b) { return a.step > b.step; }
  };

  [[nodiscard]] const std::vector<RequestId>& bucket(std::int64_t step) const {
    return buckets_[static_cast<std::size_t>(step) % buckets_.size()];
  }
  [[nodiscard]] std::vector<RequestId>& bucket_of(const Request& r);
  void enter_calendars(RequestId id);
  void leave_calendars(RequestId id);
  [[nodiscard]] static std::int64_t start(const Request& r) {
    return r.joined_step - r.computed.count() - 1;
  }

  RequestTable& requests_;
  std::int64_t step_ = 0;  // the coming one
  std::int64_t size_ = 0;
  std::int64_t context_ = 0;
  std::int64_t stalled_ = 0;
  std::map<std::int64_t, std::int64_t> starts_;  // step before a member's token 0 -> how many
  std::vector<std::vector<RequestId>> buckets_;
  std::priority_queue<Finish, std::vector<Finish>, std::greater<>> finishes_;
};

}  // namespace terrace
