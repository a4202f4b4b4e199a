#pragma once

#include <string>

#include "sim/model/model.hpp"

namespace terrace::app {

/// What `terrace model show` is asked.
struct ModelQuestion {
  DType kv = DType::bf16;
  Parallel parallel;
  Tokens context;
  bool explain = false;
};

/// KV bytes, weights and operations of a model by type of layer, and in all.
/// REQUIRES: the GPUs divide its heads; context >= 1.
std::string model_text(const ModelSpec& model, const ModelQuestion& question);

}  // namespace terrace::app
