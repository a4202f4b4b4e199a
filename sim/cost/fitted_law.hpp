#pragma once

#include <optional>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/estimate.hpp"
#include "sim/cost/kernel_tables.hpp"

namespace terrace {

/// The parameters of a fit, and by how much its times are stretched.
struct Law {
  std::vector<double> parameters;
  double stretch = 1;

  [[nodiscard]] explicit operator bool() const { return !parameters.empty(); }
  [[nodiscard]] Estimate time(double seconds) const {
    return {duration_from_seconds(seconds * stretch)};
  }
};

/// A law, and what measurements say that it leaves, if there are any of the kernel.
struct CorrectedLaw {
  Law law;
  std::optional<KernelResidual> residual{};

  [[nodiscard]] Estimate time(double seconds, double calls, double length = 1) const {
    if (!residual) return law.time(seconds);
    const ResidualTable::Looked looked = residual->at(calls, length);
    return {law.time(seconds * looked.factor).time, looked.extrapolated};
  }
};

}  // namespace terrace
