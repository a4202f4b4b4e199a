#pragma once

#include <cstdint>
#include <map>

#include "sim/base/units.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// What sequences that grow by a token per step attend to in layers with a bounded reach, summed.
///
/// A step costs O(1): all members that still see more with each step add one token. A calendar
/// tells how many of them at which step cease to, or see the first of a new chunk. It holds numbers
/// only; a member that leaves finds its entry from its length.
class BoundedSum {
 public:
  /// `encoder` tokens are in the output of the model's encoder.
  BoundedSum(BoundedReach reach, Tokens encoder) : reach_(reach), encoder_(encoder) {}

  [[nodiscard]] Tokens attended(Tokens context) const {
    return terrace::attended(reach_.reach, reach_.span, context, encoder_);
  }

  /// In the coming step.
  [[nodiscard]] Tokens sum() const { return sum_; }

  /// A member of `context` tokens in the coming step.
  void join(Tokens context) {
    sum_ += attended(context);
    if (!grows(context)) return;
    growing_ += Tokens{1};
    ++turns_[turn(context)];
  }

  /// REQUIRES: there is a member of `context` tokens in the coming step.
  void leave(Tokens context) {
    sum_ -= attended(context);
    if (!grows(context)) return;
    growing_ -= Tokens{1};
    const auto turning = turns_.find(turn(context));
    if (--turning->second == 0) turns_.erase(turning);
  }

  void advance() {
    sum_ += growing_;
    ++step_;
    if (turns_.empty() || turns_.begin()->first > step_) return;
    const std::int64_t members = turns_.begin()->second;
    turns_.erase(turns_.begin());
    if (reach_.reach == Reach::chunk) {
      sum_ -= reach_.span * members;
      turns_[step_ + reach_.span.count()] += members;
    } else {
      growing_ -= Tokens{members};
    }
  }

 private:
  /// Whether it sees a token more in every step until its turn.
  [[nodiscard]] bool grows(Tokens context) const {
    return reach_.reach == Reach::chunk ||
           (reach_.reach != Reach::encoder && context < reach_.span);
  }

  /// The step in which it sees `span` tokens for the first time; of a chunk, one more than that.
  [[nodiscard]] std::int64_t turn(Tokens context) const {
    const std::int64_t to_span = (reach_.span - attended(context)).count();
    return step_ + to_span + (reach_.reach == Reach::chunk ? 1 : 0);
  }

  BoundedReach reach_;
  Tokens encoder_;
  std::int64_t step_ = 0;  // the coming one
  Tokens sum_{};
  Tokens growing_{};                            // added by each step
  std::map<std::int64_t, std::int64_t> turns_;  // members by the step of their turn
};

}  // namespace terrace
