#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/workload/workload.hpp"

namespace terrace::labs {

/// Something said, and how long an answer it gets.
struct Turn {
  std::vector<Span> says;   // in the first turn, a system prompt that others share, too
  std::int64_t answer = 1;  // tokens
  Duration pause{};         // from the answer before, or from the start of the run
};

/// A prompt is all that was said and answered before, and what is said now.
using Conversation = std::vector<Turn>;

/// The tokens that a text stands for: random, but the same whenever it occurs.
std::vector<std::int32_t> tokens_of(const Span& text, std::int64_t vocabulary);

/// Whose turn it is, and when: the same for an engine that serves and for one that is simulated.
///
/// Protocol: (next_time next | answered)*
class ConversationQueue {
 public:
  struct Due {
    SimTime at{};
    std::size_t conversation = 0;
    std::size_t turn = 0;
  };

  /// `all` has to outlive it.
  explicit ConversationQueue(const std::vector<Conversation>& all);

  /// Nothing if every conversation has ended, or waits for its answer.
  [[nodiscard]] std::optional<SimTime> next_time() const;

  /// The earliest turn; of several, the one whose time was known first. REQUIRES: next_time().
  Due next();

  /// The latest turn of the conversation has its answer.
  void answered(std::size_t conversation, SimTime now);

 private:
  const std::vector<Conversation>& all_;
  std::vector<std::size_t> turn_;  // of each conversation: its next
  std::set<std::tuple<SimTime, std::uint64_t, std::size_t>> due_;
  std::uint64_t known_ = 0;
};

}  // namespace terrace::labs
