#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/kv/eviction/name.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace {

namespace eviction {
#define POLICY(name, summary) std::unique_ptr<EvictionPolicy> name();
#include "sim/kv/eviction/policies.def"
#undef POLICY
}  // namespace eviction

std::span<const EvictionPolicyInfo> eviction_policies() {
  static constexpr EvictionPolicyInfo kPolicies[] = {
#define POLICY(name, summary) {#name, summary, eviction::name},
#include "sim/kv/eviction/policies.def"
#undef POLICY
  };
  return kPolicies;
}

std::unique_ptr<EvictionPolicy> make_eviction_policy(std::string_view name) {
  const auto all = eviction_policies();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& policy) { return policy.name == name; });
  TERRACE_CHECK(found != all.end());
  return found->make();
}

std::vector<std::string_view> config::Scalar<EvictionName>::names() {
  std::vector<std::string_view> names;
  for (const EvictionPolicyInfo& policy : eviction_policies()) names.push_back(policy.name);
  return names;
}

config::Parsed<EvictionName> config::Scalar<EvictionName>::parse(std::string_view text) {
  const auto all = names();
  if (std::find(all.begin(), all.end(), text) == all.end()) return {std::nullopt, {}};
  return {EvictionName{std::string(text)}, {}};
}

}  // namespace terrace
