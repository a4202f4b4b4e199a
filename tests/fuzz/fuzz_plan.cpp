// Feeds any text to the reader of plans and bills the candidates of what it accepts. Nothing but
// ConfigError may come out.

#include <cstddef>
#include <cstdint>
#include <string>

#include "sim/base/check.hpp"
#include "sim/study/plan/bill.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace terrace;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are text
  const std::string text(reinterpret_cast<const char*>(data), size);
  static const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});
  PlanOverrides overrides;
  overrides.most_candidates = 16;
  try {
    const Plan plan = parse_plan("fuzz.yaml", text, kCatalogue, overrides);
    for (const Candidate& candidate : plan.candidates) {
      const Bill low = bill(plan, candidate, 2, {0.5, 0.5, Bandwidth{1e9}}, PriceDraw::lowest());
      const Bill high = bill(plan, candidate, 2, {0.5, 0.5, Bandwidth{1e9}}, PriceDraw::highest());
      TERRACE_CHECK(!(high.purchase < low.purchase || high.per_hour < low.per_hour));
    }
  } catch (const config::ConfigError&) {
  }
  return 0;
}
