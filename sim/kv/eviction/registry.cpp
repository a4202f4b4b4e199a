#include "sim/kv/eviction/policy.hpp"

namespace terrace {

namespace eviction {
#define POLICY(name, factory, summary) std::unique_ptr<EvictionRecipe> factory();
#include "sim/kv/eviction/policies.def"
#undef POLICY
}  // namespace eviction

std::span<const EvictionVariant> config::Variants<EvictionRecipe>::all() {
  static constexpr EvictionVariant kAll[] = {
#define POLICY(name, factory, summary) {name, summary, eviction::factory},
#include "sim/kv/eviction/policies.def"
#undef POLICY
  };
  return kAll;
}

}  // namespace terrace
