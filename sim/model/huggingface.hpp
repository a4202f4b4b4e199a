#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/model/model.hpp"

namespace terrace {

/// The model that a config.json of Hugging Face's transformers describes: `json` is its text,
/// `file` its name for messages. Fields that are left out have the values that transformers gives
/// them. Throws config::ConfigError with every mistake: no JSON, an architecture that is not
/// supported (with the nearest that is), fields that are missing, of a wrong type, or contradict
/// each other.
ModelSpec from_huggingface(std::string_view json, const std::string& file, const std::string& name);

/// What `model_type` may be, sorted.
std::vector<std::string_view> huggingface_architectures();

}  // namespace terrace
