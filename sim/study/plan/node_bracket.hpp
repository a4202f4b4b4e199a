#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace terrace {

/// Where the least number of nodes lies that suffices, if more of them never hurt: above one that
/// falls short, at or below one that suffices. Steps double from a likely number on until there are
/// both, then halve, so that about 2 log2(distance) numbers are tried.
///
/// Protocol: (next, suffices | falls_short)*, until next has nothing more to ask.
class NodeBracket {
 public:
  /// Fewer than `least` are known to fall short; of more than `most` nobody asks. REQUIRES: least
  /// <= most.
  NodeBracket(std::int64_t least, std::int64_t most, std::int64_t likely)
      : most_(most),
        short_(least - 1),
        enough_(most + 1),
        first_(std::clamp(likely, least, most)) {}

  [[nodiscard]] std::optional<std::int64_t> next() const {
    if (enough_ - short_ <= 1) return std::nullopt;
    if (!up_ && !down_) return first_;
    if (up_ && down_) return short_ + (enough_ - short_) / 2;
    return up_ ? std::min(short_ + step_, most_) : std::max(enough_ - step_, short_ + 1);
  }
  void suffices(std::int64_t nodes) {
    enough_ = nodes;
    widen(down_);
  }
  void falls_short(std::int64_t nodes) {
    short_ = nodes;
    widen(up_);
  }

 private:
  void widen(bool& direction) {
    if (direction) step_ *= 2;
    direction = true;
  }

  std::int64_t most_;
  std::int64_t short_;   // the most that do not suffice
  std::int64_t enough_;  // the fewest that do
  std::int64_t first_;
  std::int64_t step_ = 1;
  bool up_ = false;    // whether some number fell short when tried
  bool down_ = false;  // whether some number sufficed
};

}  // namespace terrace
