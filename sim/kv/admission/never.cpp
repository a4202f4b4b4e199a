#include "sim/kv/admission/policy.hpp"

namespace terrace::admission {
namespace {

class Never final : public AdmissionRule {
 public:
  bool admits(ContentId) override { return false; }
};

}  // namespace

std::unique_ptr<AdmissionRecipe> never() { return admission_recipe<Never>(); }

}  // namespace terrace::admission
