#include "sim/kv/admission/policy.hpp"

namespace terrace::admission {
namespace {

/// What short requests leave behind is quickly computed again, and seldom asked for.
class MinTokens final : public AdmissionRule {
 public:
  struct Options {
    Tokens tokens{256};
    void tell(config::Fields& f) {
      f.field("tokens", tokens,
              "prompt of the request that used the block last, from which on it is stored (HiCache "
              "prefetch_threshold: 256)",
              config::at_least(1));
    }
  };
  static constexpr FactNeeds kNeeds = FactNeeds::use;

  MinTokens(const Options& options, const AdmissionContext& context)
      : options_(options), facts_(*context.facts) {}

  bool admits(ContentId content) override { return facts_.use(content).context >= options_.tokens; }

 private:
  Options options_;
  const BlockFacts& facts_;
};

}  // namespace

std::unique_ptr<AdmissionRecipe> min_tokens() { return admission_recipe<MinTokens>(); }

}  // namespace terrace::admission
