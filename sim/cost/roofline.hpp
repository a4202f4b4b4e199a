#pragma once

#include <memory>

#include "sim/cost/confidence.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace {

/// Kernel times from a datasheet: each kernel is launched and then takes the longer of its
/// operations at the GPU's rate and its bytes at the GPU's bandwidth, both times the efficiency of
/// GpuSpec:
///
///   products         2 flops per weight and token; weights, inputs and outputs once
///   experts          the same of top_k experts per token; weights of those the batch touches
///   decode           4 flops per query element and token attended to; the KV cache once
///   prefill          the same per pair within reach; the prefix's and the fresh keys and values
///   between them     what they read or write
///   all-reduce       ring: latency + 2(n-1)/n bytes / link
///
/// What a datasheet says of one GPU, and efficiencies say of all: `low` and `high` shift times by
/// the mean error that was found on five GPUs when each was predicted from the others: 0.15 for
/// products, 0.08 for decode and 0.17 for prefill attention. Of a device whose efficiencies were
/// fitted to measurements, EfficiencySpec has the errors.
///
/// Weights narrower than 16 bits save bytes; only fp8 on a GPU that has it also raises the rate.
/// REQUIRES: a GPU with bandwidth and bf16 rate.
std::unique_ptr<const Kernels> roofline_kernels(const GpuSpec& gpu,
                                                Confidence confidence = Confidence::base);

}  // namespace terrace
