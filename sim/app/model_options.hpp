#pragma once

#include <cstdint>
#include <string_view>

#include "sim/model/model.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {

constexpr NamedFile kModelFile{"model", "models"};
constexpr std::int64_t kMostGpus = 64;  // that share a layer
constexpr Tokens kMostContext{1'000'000'000};

/// The type of a KV cache as `--kv-dtype` names it. Throws UsageError.
DType kv_dtype(std::string_view text);

/// Throws UsageError, with the numbers that are possible, unless so many GPUs can share every layer
/// by whole heads.
void check_tensor_parallel(const ModelSpec& model, std::int64_t gpus);

}  // namespace terrace::app
