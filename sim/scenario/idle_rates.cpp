#include "sim/scenario/idle_rates.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "sim/cost/roofline_share.hpp"

namespace terrace {
namespace {

constexpr std::string_view kEfficiency = "hardware.gpu.efficiency.";

/// Which kernels a roofline takes an efficiency for.
struct Use {
  std::string_view name;
  bool products;
  bool attention;
};

constexpr std::array kOfRooflines = {
    Use{"gemm_compute", true, true},  // MLA's prompts spell keys and values out by products
    Use{"gemm_memory", true, false},      Use{"attention_compute", false, true},
    Use{"attention_memory", false, true}, Use{"kernel_launch", true, true},
    Use{"product_error", true, false},    Use{"decode_error", false, true},
    Use{"prefill_error", false, true}};

/// The file that "FILE:LINE:COLUMN" is in; all of "--set ...", "default".
std::string_view file_of(std::string_view origin) {
  for (int i = 0; i < 2; ++i) {
    const auto colon = origin.rfind(':');
    if (colon == std::string_view::npos) return origin;
    const std::string_view number = origin.substr(colon + 1);
    if (number.find_first_not_of("0123456789") != std::string_view::npos) return origin;
    origin = origin.substr(0, colon);
  }
  return origin;
}

/// Why the efficiency of this name is of no effect; nothing if it is not.
std::optional<std::string> why_idle(std::string_view name, const Scenario& s) {
  const CostBackend chosen = backend(s);
  if (chosen == CostBackend::constant) return "on constant step times";
  const auto& kernels = s.hardware.kernels;
  if (chosen == CostBackend::roofline || !kernels || !kernels->is_of(s.hardware.gpu)) return {};
  const auto use = std::find_if(kOfRooflines.begin(), kOfRooflines.end(),
                                [&](const Use& one) { return one.name == name; });
  if (use == kOfRooflines.end()) return {};
  const RooflineShare share = roofline_share(*kernels, s.model, parallel(s));
  if ((use->products && share.products) || (use->attention && share.attention)) return {};
  return fmt::format("on the fitted kernel times of {}", s.hardware.gpu.name);
}

}  // namespace

void check_idle_rates(const Scenario& scenario, const std::vector<config::Resolved>& values,
                      config::Diagnostics& diagnostics) {
  const auto profile = std::find_if(values.begin(), values.end(), [](const config::Resolved& v) {
    return v.path == "hardware.gpu.name";
  });
  if (profile == values.end()) return;
  for (const config::Resolved& value : values) {
    if (!value.path.starts_with(kEfficiency) || value.origin == "default") continue;
    if (file_of(value.origin) == file_of(profile->origin)) continue;
    const auto why = why_idle(value.path.substr(kEfficiency.size()), scenario);
    if (!why) continue;
    diagnostics.error(
        {}, fmt::format("{}, set at {}, has no effect {}", value.path, value.origin, *why),
        "choose serving.cost.backend: roofline, or leave it out");
  }
}

}  // namespace terrace
