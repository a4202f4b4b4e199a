#pragma once

#include <cstdint>

#include "sim/model/model.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {

constexpr NamedFile kModelFile{"model", "models"};
constexpr std::int64_t kMostGpus = 64;  // that share a layer
constexpr Tokens kMostContext{1'000'000'000};

/// Throws UsageError, with the numbers that are possible, unless so many GPUs can share every layer
/// by whole heads.
void check_tensor_parallel(const ModelSpec& model, std::int64_t gpus);

}  // namespace terrace::app
