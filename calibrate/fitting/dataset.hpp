#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/fitting/forms/adapter.hpp"
#include "calibrate/fitting/points.hpp"
#include "sim/cost/forms/form.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/model/dtype.hpp"

namespace terrace::calibrate {

/// Points that are ready to be fitted: the cases of a form and what they took.
struct Dataset {
  DType dtype = DType::bf16;
  std::optional<std::int64_t> only;  // what all have in the adapter's column of that name
  std::unique_ptr<Cases> cases;
  std::vector<const Point*> points;  // by case
  std::vector<double> measured;      // seconds, by case
  std::vector<double> weights;       // by case, see weight_of()
  std::vector<std::uint32_t> group;  // by case, dense, in the order of what groups agree in
  std::vector<std::uint32_t> regime;
  std::vector<Work> work;
  std::uint32_t groups = 0;
  std::map<std::string, std::int64_t> left_out;  // why -> points
};

/// What the forms have to know of the GPU. Throws ConfigError if its profile does not say.
forms::Chip chip_of(const GpuSpec& gpu, const std::string& name);

/// Points that a fit of the form takes at least.
std::size_t fewest_points(const Adapter& adapter);

/// Makes cases of the points; they have to outlive the result. Throws ConfigError if columns are
/// missing or malformed, if the points are of several data types or head sizes that need fits of
/// their own, or if there are too few for the form's parameters.
Dataset prepare(const PointTable& table, const Adapter& adapter, const forms::Chip& chip);

/// Compares the times with what the GPU can do by its datasheet. Throws ConfigError if they are
/// impossible, or absurdly slow, and says if they look like another unit.
void check_units(const Dataset& data, const GpuSpec& gpu);

}  // namespace terrace::calibrate
