#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {

/// How far predictions are off, over all points and by regime; regimes without points are left out.
/// `unseen` are predictions of fits that had not seen the point. All in seconds, by case.
std::vector<RegimeError> errors_by_regime(std::span<const double> measured,
                                          std::span<const double> predicted,
                                          const std::optional<std::vector<double>>& unseen,
                                          std::span<const std::uint32_t> regime,
                                          std::span<const std::string_view> names);

}  // namespace terrace::calibrate
