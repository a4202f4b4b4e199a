#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// What an engine has to know of its model.
struct ModelShape {
  std::int64_t layers = 1;
  std::vector<BoundedReach> reaches{};  // those of layers that do not attend to all tokens
  Tokens encoder{};                     // in the output of its encoder
};

}  // namespace terrace
