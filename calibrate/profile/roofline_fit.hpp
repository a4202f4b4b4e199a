#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibrate/profile/family_fit.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

/// The two ceilings of a kind of kernels; none: no point is bound by it.
struct Ceilings {
  std::optional<FittedParameter> rate;       // FLOP/s
  std::optional<FittedParameter> bandwidth;  // bytes/s
};

/// A device as the roofline has it (sim/cost/roofline.hpp): every kernel takes
///
///   launch + max(operations / rate, bytes / bandwidth)
///
/// with ceilings for products and for attention, which are fitted together, as they share the
/// launch; of a GPU that is what launches were measured to take, where they were. For what no form
/// is fitted to: runs with few points, and kernels that were not measured.
struct RooflineFit {
  std::optional<FittedParameter> launch;  // seconds
  Ceilings products;
  Ceilings attention;
  double best_product_rate = 0;  // FLOP/s of the best point; 0: there is none
  std::vector<FamilyFit> families;
};

/// Of gemm, decode_attention, prefill_attention and mla_decode, as far as they are there. Points
/// that found their operands in a cache are compared, not fitted: a serving step does not find
/// them there. Throws ConfigError if a point does not say what was done. A pure function of the
/// run.
RooflineFit fit_roofline(const MeasuredRun& run);

}  // namespace terrace::calibrate
