#include "sim/kv/admission/policy.hpp"

namespace terrace {

namespace admission {
#define POLICY(name, factory, summary) std::unique_ptr<AdmissionRecipe> factory();
#include "sim/kv/admission/policies.def"
#undef POLICY
}  // namespace admission

std::span<const config::Variant<AdmissionRecipe>> config::Variants<AdmissionRecipe>::all() {
  static constexpr config::Variant<AdmissionRecipe> kAll[] = {
#define POLICY(name, factory, summary) {name, summary, admission::factory},
#include "sim/kv/admission/policies.def"
#undef POLICY
  };
  return kAll;
}

}  // namespace terrace
