#pragma once

#include <span>
#include <string_view>

#include "sim/model/huggingface_config.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// An architecture of transformers, and how its config.json is read. `read` leaves name, source and
/// weight_dtype alone.
struct HuggingFaceArchitecture {
  std::string_view model_type;
  ModelSpec (*read)(HuggingFaceConfig& fields);
};

/// All that are supported. One line each: to support another, write its function and add it.
std::span<const HuggingFaceArchitecture> huggingface_table();

}  // namespace terrace
