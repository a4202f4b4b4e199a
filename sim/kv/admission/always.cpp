#include "sim/kv/admission/policy.hpp"

namespace terrace::admission {
namespace {

class Always final : public AdmissionRule {
 public:
  bool admits(ContentId) override { return true; }
};

}  // namespace

std::unique_ptr<AdmissionRecipe> always() { return admission_recipe<Always>(); }

}  // namespace terrace::admission
