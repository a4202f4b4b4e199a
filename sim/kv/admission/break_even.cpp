#include <utility>

#include "sim/kv/admission/policy.hpp"

namespace terrace::admission {
namespace {

/// Mooncake's Eq. 2 (FAST'25): reuse pays if the prefix up to the block is loaded in less time than
/// it is computed. Latency, pieces and the quadratic part of attention count, so it is the length
/// that decides.
class BreakEven final : public AdmissionRule {
 public:
  struct Options {
    double factor = 1;
    void tell(config::Fields& f) {
      f.field("factor", factor, "times that computing must take as long as loading",
              config::kPositive);
    }
  };
  static constexpr FactNeeds kNeeds = FactNeeds::sequence | FactNeeds::recompute;

  BreakEven(const Options& options, AdmissionContext context)
      : options_(options), context_(std::move(context)) {}

  bool admits(ContentId content) override {
    const Tokens prefix = context_.block_size * (context_.facts->position(content) + 1);
    return seconds(context_.recompute(prefix)) > options_.factor * seconds(context_.reload(prefix));
  }

 private:
  Options options_;
  AdmissionContext context_;
};

}  // namespace

std::unique_ptr<AdmissionRecipe> break_even() { return admission_recipe<BreakEven>(); }

}  // namespace terrace::admission
