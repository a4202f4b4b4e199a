#pragma once

#include <cstdint>
#include <vector>

namespace terrace {

/// How tokens spread over the experts of a layer. Each token picks `top_k` of them, independently
/// of the others. With `skew` = 0 all experts are alike; otherwise their popularity follows Zipf's
/// law, 1/rank^skew, capped at once per token; what is cut off goes to the others.
class Routing {
 public:
  /// REQUIRES: 1 <= top_k <= experts, skew >= 0.
  Routing(std::int64_t experts, std::int64_t top_k, double skew);

  /// Experts that a batch of so many tokens touches, as an expected value: the sum over experts of
  /// 1 - (1 - p)^tokens. O(experts), O(1) without skew. REQUIRES: tokens >= 0.
  [[nodiscard]] double touched(std::int64_t tokens) const;

 private:
  double each_ = 1;             // experts that one entry of `picked_` stands for
  std::vector<double> picked_;  // by a token: probabilities
};

}  // namespace terrace
