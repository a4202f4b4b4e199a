#include "sim/cost/constant.hpp"

#include <algorithm>

namespace terrace {
namespace {

class Constant final : public CostModel {
 public:
  explicit Constant(const ConstantCost& cost) : cost_(cost) {}

 private:
  [[nodiscard]] Estimate price(std::span<const Batch> ranks) const override {
    Duration longest{};
    for (const Batch& batch : ranks) {
      if (!batch.empty()) longest = std::max(longest, time(batch));
    }
    return {longest};
  }

  [[nodiscard]] Duration time(const Batch& batch) const {
    const std::int64_t fresh = batch.tokens() - batch.decodes;
    const auto real = [](Duration d) { return static_cast<double>(d.count()); };
    const double about = real(cost_.per_step) +
                         static_cast<double>(fresh) * real(cost_.per_prefill_token) +
                         static_cast<double>(batch.decodes) * real(cost_.per_decode);
    if (about > 9e18) return Duration::max();  // beyond the clock, as the event loop will say
    return cost_.per_step + fresh * cost_.per_prefill_token + batch.decodes * cost_.per_decode;
  }

  ConstantCost cost_;
};

}  // namespace

std::unique_ptr<CostModel> make_constant(const ConstantCost& cost) {
  return std::make_unique<Constant>(cost);
}

void describe(config::Fields& f, ConstantCost& cost) {
  f.field("per_step", cost.per_step, "time of every step");
  f.field("per_prefill_token", cost.per_prefill_token, "added by each prompt token computed");
  f.field("per_decode", cost.per_decode, "added by each decoding sequence");
  f.check(std::max({cost.per_step, cost.per_prefill_token, cost.per_decode}) > Duration{},
          "per_step", "a step that takes no time at all serves any load",
          "set per_step, per_prefill_token or per_decode");
}

}  // namespace terrace
