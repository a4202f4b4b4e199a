#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/serving/routers/policy.hpp"

namespace terrace {

namespace routing {
#define POLICY(name, summary) std::unique_ptr<Router> name();
#include "sim/serving/routers/policies.def"
#undef POLICY
}  // namespace routing

std::span<const RouterInfo> routers() {
  static constexpr RouterInfo kRouters[] = {
#define POLICY(name, summary) {#name, summary, routing::name},
#include "sim/serving/routers/policies.def"
#undef POLICY
  };
  return kRouters;
}

std::unique_ptr<Router> make_router(const RouterName& router) {
  const auto all = routers();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.name == router.name; });
  TERRACE_CHECK(found != all.end());
  return found->make();
}

std::vector<std::string_view> config::Scalar<RouterName>::names() {
  std::vector<std::string_view> names;
  for (const RouterInfo& router : routers()) names.push_back(router.name);
  return names;
}

config::Parsed<RouterName> config::Scalar<RouterName>::parse(std::string_view text) {
  const auto all = names();
  if (std::find(all.begin(), all.end(), text) == all.end()) return {std::nullopt, {}};
  return {RouterName{std::string(text)}, {}};
}

}  // namespace terrace
