#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/cost/cost_model.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// Step time from a datasheet: every class of kernels takes the longer of its operations at the
/// GPU's rate and its bytes at the GPU's bandwidth, both times the efficiency of GpuSpec, and the
/// classes follow one another:
///
///   GEMMs of attention and MLP   2 flops per weight and token; all weights once
///   routed experts               the same of top_k experts; only those the batch touches
///   LM head                      the same, for sampled tokens only
///   decode attention             4 flops per query element and pair; the KV cache once
///   prefill attention            the same per chunk; its keys and values once
///   between the GEMMs            what norms, rotations and activations write
///   tensor parallelism           two ring all-reduces per layer: latency + 2(n-1)/n bytes / link
///   launches, host               kernels x kernel_launch + step_overhead
///
/// `tensor_parallel` GPUs share the model; `kv` is the element of the KV cache; a batch of more
/// than `max_batch_tokens` is taken to touch every expert. Weights narrower than 16 bits save
/// bytes; only fp8 on a GPU that has it also raises the rate.
/// REQUIRES: tensor_parallel >= 1, a GPU with bandwidth and bf16 rate, max_batch_tokens >= 0.
std::unique_ptr<CostModel> make_roofline(const ModelSpec& model, const GpuSpec& gpu,
                                         int tensor_parallel, DType kv,
                                         std::int64_t max_batch_tokens);

/// How many of `experts` a batch touches if each token picks `top_k` at random, alike and
/// independently: E (1 - (1 - k/E)^T) for T = 0 .. max_tokens, at [T]; ends early where all are.
std::vector<double> touched_experts(std::int64_t experts, std::int64_t top_k,
                                    std::int64_t max_tokens);

}  // namespace terrace
