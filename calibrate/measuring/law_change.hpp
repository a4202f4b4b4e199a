#pragma once

#include <optional>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

struct TimedSize {
  Bytes size{};
  double seconds = 0;
};

/// Where the time of something changes its law in its size, and all that was tried to find it.
struct LawChange {
  std::vector<TimedSize> tried;  // in that order
  std::optional<Bytes> at;       // the first multiple of a step that follows the law of large sizes
};

/// Sizes between which it is looked for: two of each end make a line each, fixed + size / rate.
struct ChangeBetween {
  Bytes smallest{}, small{};  // follow the law of small sizes
  Bytes large{}, largest{};   // follow that of large ones
  Bytes step{};               // how well it is told
};

/// By bisection: a size in the middle belongs to the law whose line is nearer to its time, as a
/// ratio. Nothing is found where both lines tell the middle within a quarter of each other: then
/// one law holds for all. Asks for about four times, and one per halving.
LawChange find_law_change(FunctionRef<double(Bytes)> seconds, const ChangeBetween& between);

}  // namespace terrace::calibrate
