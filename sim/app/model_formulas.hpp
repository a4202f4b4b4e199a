#pragma once

#include <string>

#include "sim/model/model.hpp"

namespace terrace::app {

/// The KV bytes of a layer on one GPU with the numbers they follow from: "2 x 8 KV heads x 128 x 2
/// B = 4,096 B per token and layer".
std::string kv_formula(const Attention& attention, DType kv, const Parallel& parallel,
                       Tokens encoder);

/// Its weights on one GPU, product by product: "qkv_proj 4,096 x 6,144 + ... = 41.9 M".
std::string weights_formula(const AttentionWork& attention, const MlpWork& mlp);

/// Operations of its attention for one decoded token that sees `attended` tokens.
std::string attention_formula(const AttentionKernel& kernel, Tokens attended);

/// A number that need not fit 64 bits, in three digits: "218 M".
std::string compact(double number);

/// "436 MFLOP"
std::string flops(double operations);

/// What that formula comes to, per token seen.
double flops_per_pair(const AttentionKernel& kernel);

/// What several GPUs hold the same, in words. REQUIRES: parallel.tensor > 1.
std::string replicated(const ModelSpec& model, const Parallel& parallel);

}  // namespace terrace::app
