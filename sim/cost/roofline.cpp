#include "sim/cost/roofline.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr double kFlopsPerWeight = 2;  // per token: a multiplication and an addition
constexpr double kActivationBytes = static_cast<double>(kUnquantisedBits) / 8;

double as_double(std::int64_t n) { return static_cast<double>(n); }

/// Weights that meet every one of some tokens: seconds of arithmetic per token, against seconds
/// of reading them once.
struct Gemm {
  double per_token = 0;
  double reading = 0;

  [[nodiscard]] double seconds(double tokens) const {
    return std::max(tokens * per_token, reading);
  }
};

/// The routed experts of equal layers, all those layers together.
struct Experts {
  double per_token = 0;         // seconds of arithmetic
  double per_expert = 0;        // seconds of reading one
  std::vector<double> touched;  // by tokens in the batch

  [[nodiscard]] double seconds(std::int64_t tokens) const {
    const auto entry = std::min(static_cast<std::size_t>(tokens), touched.size() - 1);
    return std::max(as_double(tokens) * per_token, touched[entry] * per_expert);
  }
};

/// Rates that a model's kernels reach on one GPU.
struct Rates {
  Rates(const GpuSpec& gpu, DType weights)
      : weight_flops((weights == DType::fp8 && gpu.fp8.count() > 0 ? gpu.fp8 : gpu.bf16).count() *
                     gpu.efficiency.gemm_compute),
        bf16_flops(gpu.bf16.count() * gpu.efficiency.gemm_compute),
        attention_flops(gpu.bf16.count() * gpu.efficiency.attention_compute),
        bytes(gpu.memory_bandwidth.count() * gpu.efficiency.gemm_memory),
        kv_bytes(gpu.memory_bandwidth.count() * gpu.efficiency.attention_memory) {
    TERRACE_CHECK(weight_flops > 0 && bf16_flops > 0 && attention_flops > 0);
    TERRACE_CHECK(bytes > 0 && kv_bytes > 0);
  }

  double weight_flops;
  double bf16_flops;
  double attention_flops;
  double bytes;
  double kv_bytes;
};

/// What a GPU sends to its neighbour in a ring while receiving as much from the other one.
double ring_bandwidth(const GpuSpec& gpu, int gpus) {
  const bool joined = gpu.nvlink_gpus == 0 || gpus <= gpu.nvlink_gpus;
  if (gpu.nvlink.count() > 0 && joined) return gpu.nvlink.count();
  return gpu.host_link.duplex * (gpu.host_link.h2d.count() + gpu.host_link.d2h.count()) / 2;
}

class Roofline final : public CostModel {
 public:
  Roofline(const ModelSpec& model, const GpuSpec& gpu, int tp, DType kv,
           std::int64_t max_batch_tokens) {
    TERRACE_CHECK(tp >= 1 && max_batch_tokens >= 0);
    const Rates rates(gpu, model.weight_dtype);
    const double weight_bytes = as_double(bits(model.weight_dtype)) / 8;

    std::int64_t layers = 0;
    std::int64_t kernels = 4;  // embedding, last norm, LM head, sampler
    double weights = 0;
    double written = 0;
    double pair_flops = 0;
    double expand_flops = 0;
    double cached_pair_flops = 0;
    for (const LayerGroup& group : model.layers) {
      const AttentionWork attention = work(group.attention, model.hidden, tp);
      const MlpWork mlp = work(group.mlp, model.hidden, tp);
      const double count = as_double(group.count);
      layers += group.count;
      kernels += group.count * (attention.kernels + mlp.kernels);
      weights += count * as_double(attention.weights + mlp.weights);
      written += count * as_double(attention.written + mlp.written);
      pair_flops += count * attention.pair_flops;
      expand_flops += count * attention.expand_flops;
      cached_pair_flops += count * attention.cached_pair_flops;
      if (mlp.experts > 0) {
        const double expert = count * as_double(mlp.expert_weights);
        experts_.push_back({kFlopsPerWeight * as_double(mlp.top_k) * expert / rates.weight_flops,
                            expert * weight_bytes / rates.bytes,
                            touched_experts(mlp.experts, mlp.top_k, max_batch_tokens)});
      }
    }

    gemm_ = {kFlopsPerWeight * weights / rates.weight_flops, weights * weight_bytes / rates.bytes};
    const double rows = as_double((model.vocabulary + tp - 1) / tp);
    const double head = rows * as_double(model.hidden);
    lm_head_ = {kFlopsPerWeight * head / rates.bf16_flops, head * kActivationBytes / rates.bytes};

    const double kv_bytes = as_double(kv_bytes_per_token_per_gpu(model, kv, tp).count());
    kv_read_ = kv_bytes / rates.kv_bytes;
    pair_ = pair_flops / rates.attention_flops;
    expand_ = expand_flops / rates.weight_flops;
    cached_pair_ = cached_pair_flops / rates.attention_flops;
    decode_context_ = std::max(kv_read_, cached_pair_);

    per_token_ = written * kActivationBytes / rates.bytes;
    fixed_ = seconds(gpu.efficiency.step_overhead) +
             as_double(kernels) * seconds(gpu.efficiency.kernel_launch);
    if (tp > 1) add_all_reduces(2 * as_double(layers), as_double(model.hidden), gpu, tp);
  }

  [[nodiscard]] Duration step(const Batch& batch) const override {
    TERRACE_CHECK(!batch.empty());
    std::int64_t tokens = batch.decodes;
    double time = fixed_ + as_double(batch.decode_context.count()) * decode_context_;
    for (const PrefillChunk& chunk : batch.prefills) {
      tokens += chunk.fresh.count();
      time += prefill_attention(as_double(chunk.fresh.count()), as_double(chunk.prefix.count()));
    }
    time += gemm_.seconds(as_double(tokens)) + as_double(tokens) * per_token_;
    for (const Experts& experts : experts_) time += experts.seconds(tokens);
    if (batch.samples > 0) time += lm_head_.seconds(as_double(batch.samples));
    return duration_from_seconds(time);
  }

 private:
  void add_all_reduces(double count, double hidden, const GpuSpec& gpu, int tp) {
    const double n = tp;
    const double sent_per_token = 2 * (n - 1) / n * hidden * kActivationBytes;
    fixed_ += count * seconds(gpu.allreduce_latency);
    per_token_ += count * sent_per_token / ring_bandwidth(gpu, tp);
  }

  /// Every fresh token attends to the prefix and, on average, to half of the fresh ones. Where the
  /// cache holds latents, the cheaper of spelling the prefix out and of attending to latents.
  [[nodiscard]] double prefill_attention(double fresh, double prefix) const {
    const double pairs = fresh * (prefix + fresh / 2);
    const double arithmetic = std::min(pairs * pair_ + prefix * expand_, pairs * cached_pair_);
    return std::max(arithmetic, (prefix + fresh) * kv_read_);
  }

  // All in seconds.
  Gemm gemm_;
  Gemm lm_head_;
  std::vector<Experts> experts_;
  double kv_read_ = 0;         // per token of context
  double pair_ = 0;            // per query and key, spelled out
  double expand_ = 0;          // per cached token
  double cached_pair_ = 0;     // per query and key, as the cache holds it
  double decode_context_ = 0;  // per token that a decode attends to
  double per_token_ = 0;       // writes between the GEMMs, all-reduced bytes
  double fixed_ = 0;           // launches, host work, all-reduce latency
};

}  // namespace

std::unique_ptr<CostModel> make_roofline(const ModelSpec& model, const GpuSpec& gpu,
                                         int tensor_parallel, DType kv,
                                         std::int64_t max_batch_tokens) {
  return std::make_unique<Roofline>(model, gpu, tensor_parallel, kv, max_batch_tokens);
}

std::vector<double> touched_experts(std::int64_t experts, std::int64_t top_k,
                                    std::int64_t max_tokens) {
  TERRACE_CHECK(top_k >= 1 && top_k <= experts && max_tokens >= 0);
  const double all = as_double(experts);
  const double missed_by_one = as_double(experts - top_k) / all;
  std::vector<double> touched{0};
  double untouched = all;
  for (std::int64_t tokens = 1; tokens <= max_tokens && touched.back() < all; ++tokens) {
    untouched *= missed_by_one;
    touched.push_back(all - untouched);
  }
  // What lies beyond touches all.
  if (touched.back() < all) touched.push_back(all);
  return touched;
}

}  // namespace terrace
