#pragma once

#include <filesystem>
#include <string>

#include "calibrate/fitting/calibration.hpp"

namespace terrace::calibrate {

/// A fit for people: what was fitted, the parameters, and how far it is off.
std::string fit_text(const Calibration& calibration, const Dataset& data, const Adapter& adapter,
                     const std::string& points, const std::string& gpu);

/// The points beside their predictions as CSV, for plots and for later fits.
void write_points(const std::filesystem::path& path, const PointTable& table, const Dataset& data,
                  const Calibration& calibration, const Adapter& adapter);

}  // namespace terrace::calibrate
