#include "sim/cost/roofline.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr double kFlopsPerWeight = 2;  // per token: a multiplication and an addition
constexpr double kActivationBytes = 2;

/// How far it is off, as the mean of errors: on this device if that was measured, else as
/// predictions of GPUs that were not.
struct Errors {
  double product;
  double decode;
  double prefill;
  bool measured;
  std::array<std::pair<std::string_view, std::optional<double>>, 3> kinds;

  explicit Errors(const EfficiencySpec& part)
      : product(part.product_error.value_or(0.15)),
        decode(part.decode_error.value_or(0.08)),
        prefill(part.prefill_error.value_or(0.17)),
        measured(part.product_error || part.decode_error || part.prefill_error),
        kinds{{{"products", part.product_error},
               {"decode", part.decode_error},
               {"prefill", part.prefill_error}}} {}

  /// Claims no error of what was not measured.
  [[nodiscard]] std::string text() const {
    std::vector<std::string> known;
    std::vector<std::string_view> unknown;
    for (const auto& [name, error] : kinds) {
      if (error) {
        known.push_back(fmt::format("{:.0f} % ({})", 100 * *error, name));
      } else {
        unknown.push_back(name);
      }
    }
    return fmt::format("from a roofline fitted to measurements of this device, off by {}{}{}",
                       fmt::join(known, ", "), unknown.empty() ? "" : "; assumed, not measured: ",
                       fmt::join(unknown, ", "));
  }
};

double as_double(std::int64_t n) { return static_cast<double>(n); }

/// The rates that kernels reach, per second.
struct Rates {
  double bf16_flops = 0;
  double fp8_flops = 0;
  double attention_flops = 0;
  double bytes = 0;
  double kv_bytes = 0;

  [[nodiscard]] double flops(DType weights) const {
    return weights == DType::fp8 && fp8_flops > 0 ? fp8_flops : bf16_flops;
  }
};

class RooflineAttention final : public AttentionLaw {
 public:
  RooflineAttention(const AttentionKernel& kernel, DType kv, const Rates& rates, Duration launch,
                    Confidence confidence, const Errors& errors)
      : kernel_(kernel),
        launch_(launch),
        decode_(stretch(confidence, errors.decode)),
        prefill_(stretch(confidence, errors.prefill)) {
    const double heads = as_double(kernel.heads);
    const bool latent = kernel.latent > 0;
    const std::int64_t cached = latent ? kernel.latent + kernel.rope
                                       : kernel.kv_heads * (kernel.head_dim + kernel.value_dim);
    read_ = as_double(cached) * bytes_per_element(kv) / rates.kv_bytes;
    pair_ = kFlopsPerWeight * heads * as_double(kernel.head_dim + kernel.value_dim) /
            rates.attention_flops;
    cached_pair_ = latent ? kFlopsPerWeight * heads * as_double(2 * kernel.latent + kernel.rope) /
                                rates.attention_flops
                          : pair_;
    if (latent) {
      expand_ = kFlopsPerWeight * heads * as_double(kernel.latent) *
                as_double(kernel.head_dim - kernel.rope + kernel.value_dim) / rates.bf16_flops;
    }
  }

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    double seconds = decode_ * as_double(batch.context.count()) * std::max(read_, cached_pair_);
    for (const PrefillChunk& chunk : batch.prefills) {
      const double met = as_double(prefix_met(kernel_, chunk).count());
      seconds += prefill_ * std::max(pairs(kernel_, chunk) * pair_ + met * expand_,
                                     (met + as_double(chunk.fresh.count())) * read_);
    }
    return Estimate{launch_} + Estimate{duration_from_seconds(seconds)};
  }

 private:
  AttentionKernel kernel_;
  Duration launch_;
  double decode_;  // stretches
  double prefill_;
  // In seconds.
  double read_ = 0;         // per cached token
  double pair_ = 0;         // per query and key, spelled out
  double cached_pair_ = 0;  // per query and key, as the cache holds it
  double expand_ = 0;       // per cached token
};

class Roofline final : public Kernels {
 public:
  Roofline(const GpuSpec& gpu, Confidence confidence)
      : confidence_(confidence),
        errors_(gpu.efficiency),
        stretch_(stretch(confidence, errors_.product)),
        launch_(gpu.efficiency.kernel_launch),
        rates_{gpu.bf16.count() * gpu.efficiency.gemm_compute,
               gpu.fp8.count() * gpu.efficiency.gemm_compute,
               gpu.bf16.count() * gpu.efficiency.attention_compute,
               gpu.memory_bandwidth.count() * gpu.efficiency.gemm_memory,
               gpu.memory_bandwidth.count() * gpu.efficiency.attention_memory},
        latency_(gpu.allreduce_latency),
        nvlink_(gpu.nvlink),
        nvlink_gpus_(gpu.nvlink_gpus > 0 ? gpu.nvlink_gpus : kAny),
        host_link_(gpu.host_link.duplex * (gpu.host_link.h2d.count() + gpu.host_link.d2h.count()) /
                   2) {
    TERRACE_CHECK(rates_.bf16_flops > 0 && rates_.attention_flops > 0);
    TERRACE_CHECK(rates_.bytes > 0 && rates_.kv_bytes > 0);
  }

  [[nodiscard]] Estimate product(const Product& p, DType weights,
                                 std::int64_t tokens) const override {
    const double all = as_double(p.weights());
    const double moved = all * bytes_per_element(weights) +
                         as_double(tokens * (p.n + p.k) * p.times) * kActivationBytes;
    return kernel(kFlopsPerWeight * all * as_double(tokens) / rates_.flops(weights), moved);
  }

  [[nodiscard]] Estimate pointwise(const Pointwise& k, std::int64_t tokens) const override {
    return kernel(0, as_double(k.elements * tokens) * kActivationBytes);
  }

  [[nodiscard]] Estimate experts(const ExpertsWork& e, DType weights,
                                 const Routed& routed) const override {
    constexpr std::int64_t kKernels = 6;  // choice, sorting, up, activation, down, combination
    const double one = as_double(e.weights_of_one());
    const double moved =
        routed.touched * one * bytes_per_element(weights) +
        routed.pairs * as_double(2 * e.hidden + e.matrices * e.width) * kActivationBytes;
    return Estimate{(kKernels - 1) * launch_} +
           kernel(kFlopsPerWeight * routed.pairs * one / rates_.flops(weights), moved);
  }

  [[nodiscard]] std::unique_ptr<AttentionLaw> attention(const AttentionKernel& kernel,
                                                        DType kv) const override {
    return std::make_unique<RooflineAttention>(kernel, kv, rates_, launch_, confidence_, errors_);
  }

  [[nodiscard]] std::vector<std::string> caveats() const override {
    if (errors_.measured) return {errors_.text()};
    const std::string off =
        fmt::format("off by {:.0f} % (products), {:.0f} % (decode) and {:.0f} % (prefill)",
                    100 * errors_.product, 100 * errors_.decode, 100 * errors_.prefill);
    return {
        "from datasheets, not measured on this GPU; GPUs predicted from others like this were " +
        off};
  }

  [[nodiscard]] Estimate collective(Collective op, Bytes bytes, int gpus) const override {
    const double n = gpus;
    const double hops = op == Collective::send ? 1 : (n - 1) / n;
    const double passes = op == Collective::all_reduce ? 2 : 1;
    const double seconds = passes * hops * as_double(bytes.count()) / ring(gpus).count();
    return Estimate{latency_} + Estimate{duration_from_seconds(seconds)};
  }

 private:
  [[nodiscard]] Estimate kernel(double arithmetic, double moved) const {
    return Estimate{launch_} +
           Estimate{duration_from_seconds(stretch_ * std::max(arithmetic, moved / rates_.bytes))};
  }

  /// What a GPU sends to its neighbour in a ring while receiving as much from the other one.
  [[nodiscard]] Bandwidth ring(int gpus) const {
    return nvlink_.count() > 0 && gpus <= nvlink_gpus_ ? nvlink_ : host_link_;
  }

  static constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

  Confidence confidence_;
  Errors errors_;
  double stretch_;
  Duration launch_;
  Rates rates_;
  Duration latency_;
  Bandwidth nvlink_;
  std::int64_t nvlink_gpus_;  // that it joins at most
  Bandwidth host_link_;
};

}  // namespace

std::unique_ptr<const Kernels> roofline_kernels(const GpuSpec& gpu, Confidence confidence) {
  return std::make_unique<Roofline>(gpu, confidence);
}

}  // namespace terrace
