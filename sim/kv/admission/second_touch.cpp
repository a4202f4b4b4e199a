#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "sim/kv/admission/policy.hpp"

namespace terrace::admission {

/// How the account of a block grows with each offer.
enum class Count { touches, doubling };

}  // namespace terrace::admission

template <>
struct terrace::config::Names<terrace::admission::Count> {
  static constexpr std::string_view kKind = "way to count";
  static constexpr std::pair<std::string_view, terrace::admission::Count> kList[] = {
      {"touches", terrace::admission::Count::touches},
      {"doubling", terrace::admission::Count::doubling}};
};

namespace terrace::admission {
namespace {

/// Dynamo's FrequencyFilter (lib/llm/src/block_manager/offload/filter.rs): an offer doubles the
/// block's count, each window takes one off all counts, zero is forgotten, and when too many are
/// known one more is taken off all. With `touches` an offer adds one instead.
class SecondTouch final : public AdmissionRule {
 public:
  struct Options {
    std::int64_t n = 2;
    Duration window = std::chrono::seconds(600);
    Count count = Count::touches;
    std::int64_t max_tracked = 1'000'000;
    void tell(config::Fields& f) {
      f.field("n", n, "count from which on a block is taken (Dynamo: 2)", config::at_least(2));
      f.field("window", window, "every so often all counts lose one (Dynamo: 600 s)",
              config::kPositive);
      f.field("count", count,
              "touches: an offer adds one; doubling: it doubles the count, as in Dynamo");
      f.field("max_tracked", max_tracked,
              "blocks to keep account of; beyond, all counts lose one (Dynamo: 1,000,000)",
              config::at_least(1));
    }
  };
  static constexpr FactNeeds kNeeds = FactNeeds::time;

  SecondTouch(const Options& options, const AdmissionContext& context)
      : options_(options), facts_(*context.facts) {}

  bool admits(ContentId content) override {
    if (content.index() >= accounts_.size()) accounts_.resize(content.index() + 1 + tracked_ / 2);
    const std::int64_t windows = facts_.now().time_since_epoch() / options_.window;
    if (window_ < windows) take_off(windows - window_);
    window_ = windows;
    std::int64_t& count = accounts_[content.index()];
    if (count == 0) ++tracked_;
    const bool doubles = options_.count == Count::doubling && count > 0;
    count = std::min(doubles ? 2 * count : count + 1, kMost);
    const bool enough = count >= options_.n;
    while (tracked_ > static_cast<std::size_t>(options_.max_tracked)) take_off(1);
    return enough;
  }

  void for_each_remembered(FunctionRef<void(ContentId)> visit) const override {
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
      if (accounts_[i] > 0) visit(ContentId{i});
    }
  }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 40U;

  void take_off(std::int64_t amount) {
    if (tracked_ == 0) return;
    for (std::int64_t& count : accounts_) {
      if (count == 0) continue;
      count = std::max(count - amount, std::int64_t{0});
      if (count == 0) --tracked_;
    }
  }

  Options options_;
  const BlockFacts& facts_;
  std::vector<std::int64_t> accounts_;  // by content
  std::size_t tracked_ = 0;             // that are not zero
  std::int64_t window_ = 0;
};

}  // namespace

std::unique_ptr<AdmissionRecipe> second_touch() { return admission_recipe<SecondTouch>(); }

}  // namespace terrace::admission
