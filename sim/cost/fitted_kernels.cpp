#include "sim/cost/fitted_kernels.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "sim/base/p_norm.hpp"
#include "sim/cost/fits.hpp"
#include "sim/cost/fitted_attention.hpp"
#include "sim/cost/forms/collective.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mixed.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"
#include "sim/cost/kernel_tables.hpp"
#include "sim/cost/roofline.hpp"
#include "sim/cost/split_attention.hpp"

namespace terrace {
namespace {

constexpr Duration kPointwiseLaunch = std::chrono::microseconds(2);
constexpr double kActivationBytes = 2;
constexpr std::int64_t kExpertRows = 16;     // the smallest tile of vLLM's fused_moe
constexpr std::int64_t kRoutingKernels = 4;  // choice, sorting, activation, combination

double as_double(std::int64_t n) { return static_cast<double>(n); }

class FittedKernels final : public Kernels {
 public:
  FittedKernels(const KernelProfile& profile, const GpuSpec& gpu, Confidence confidence,
                std::optional<KernelTables> tables)
      : fits_(profile, confidence),
        chip_(chip_of(gpu)),
        tables_(std::move(tables)),
        rest_(roofline_kernels(gpu, confidence)) {}

  [[nodiscard]] Estimate product(const Product& p, DType weights,
                                 std::int64_t tokens) const override {
    const std::int64_t n = p.n * p.times;
    const CorrectedLaw& known = law_of_product(weights, n, p.k);
    if (!known.law) return rest_->product(p, weights, tokens);
    const double seconds = forms::Gemm::seconds(
        known.law.parameters, chip_, {.m = tokens, .n = n, .k = p.k, .weights = weights});
    return known.time(seconds, as_double(tokens));
  }

  [[nodiscard]] Estimate pointwise(const Pointwise& kernel, std::int64_t tokens) const override {
    const Law law = gemm(DType::bf16);
    if (!law) return rest_->pointwise(kernel, tokens);
    const double bytes = as_double(kernel.elements * tokens) * kActivationBytes;
    return Estimate{kPointwiseLaunch} + law.time(bytes / law.parameters[kBandwidth]);
  }

  [[nodiscard]] Estimate experts(const ExpertsWork& e, DType weights,
                                 const Routed& routed) const override {
    const Law law = gemm(weights);
    if (!law) return rest_->experts(e, weights, routed);
    fits_.note("routed experts: from the fit of dense products, not measured");
    return Estimate{kRoutingKernels * kPointwiseLaunch} +
           grouped(law, routed, reaching(routed), (e.matrices - 1) * e.width, e.hidden, weights) +
           grouped(law, routed, routed.pairs, e.hidden, e.width, weights);
  }

  [[nodiscard]] std::unique_ptr<AttentionLaw> attention(const AttentionKernel& kernel,
                                                        DType kv) const override {
    if (kernel.value_dim == 0) fits_.note(kIndexOfSparse);
    return kernel.latent > 0 ? latent_attention(kernel, kv) : head_attention(kernel, kv);
  }

  [[nodiscard]] Estimate collective(Collective op, Bytes bytes, int gpus) const override {
    if (const auto measured = tables_ ? tables_->collective(op, bytes, gpus) : std::nullopt) {
      return *measured;
    }
    if (const std::string_view form = form_of(op); !form.empty()) {
      const Law law = fits_.nearest(form, DType::bf16, gpus);
      if (law) {
        return law.time(
            forms::CollectiveLaw::seconds(law.parameters, chip_, {as_double(bytes.count())}));
      }
      fits_.note(fmt::format("no {} fit; a roofline stands in", form));
    }
    return rest_->collective(op, bytes, gpus);
  }

  [[nodiscard]] std::vector<std::string> caveats() const override { return fits_.caveats(); }

 private:
  [[nodiscard]] std::unique_ptr<AttentionLaw> latent_attention(const AttentionKernel& kernel,
                                                               DType kv) const {
    Law decode = fits_.nearest(forms::MlaDecode::kName, kv);
    Law prefill = fits_.nearest(forms::MlaPrefill::kName, kv);
    Law expansion = gemm(DType::bf16);
    if (!decode) {
      fits_.note("no fit of MLA attention; a roofline stands in");
      return rest_->attention(kernel, kv);
    }
    CorrectedLaw corrected{std::move(decode)};
    if (tables_) corrected.residual = tables_->mla_decode(kv, kernel.heads);
    if (prefill && expansion) {
      if (kernel.reach == Reach::chosen) {
        fits_.note("prefill of sparse attention: from the fit of decode, not measured");
      }
      return fitted_mla_attention(kernel, kv, chip_,
                                  {std::move(corrected), std::move(prefill), std::move(expansion)});
    }
    fits_.note(kPromptsOfMla);
    return split_attention(fitted_mla_attention(kernel, kv, chip_, {std::move(corrected), {}, {}}),
                           rest_->attention(kernel, kv));
  }

  [[nodiscard]] std::unique_ptr<AttentionLaw> head_attention(const AttentionKernel& kernel,
                                                             DType kv) const {
    Law decode = fits_.nearest(forms::Decode::kName, kv, kernel.head_dim);
    Law prefill = fits_.nearest(forms::Prefill::kName, kv, kernel.head_dim);
    if (!decode || !prefill) {
      fits_.note("no fit of decode and prefill attention; a roofline stands in");
      return rest_->attention(kernel, kv);
    }
    CorrectedLaw decodes{std::move(decode)};
    CorrectedLaw prefills{std::move(prefill)};
    if (tables_) {
      decodes.residual = tables_->decode(kv, kernel.head_dim, kernel.heads, kernel.kv_heads);
      prefills.residual = tables_->prefill(kv, kernel.head_dim, kernel.heads, kernel.kv_heads);
    }
    Law mixed = fits_.nearest(forms::Mixed::kName, kv, kernel.head_dim);
    if (!mixed) fits_.note("steps with prompts and decodes: not measured, the sum of both");
    return fitted_head_attention(kernel, kv, chip_,
                                 {std::move(decodes), std::move(prefills), std::move(mixed)});
  }

  // Of forms::Gemm::kParameters.
  static constexpr std::size_t kBandwidth = 1;
  static constexpr std::size_t kQuantiseRow = 10;
  static constexpr std::size_t kQuantise = 11;
  static_assert(forms::Gemm::kParameters[kBandwidth].name == "bandwidth");
  static_assert(forms::Gemm::kParameters[kQuantiseRow].name == "row");
  static_assert(forms::Gemm::kParameters[kQuantise].name == "quantise");

  static std::string_view form_of(Collective op) {
    switch (op) {
      case Collective::all_reduce:
        return forms::AllReduce::kName;
      case Collective::all_gather:
        return forms::AllGather::kName;
      case Collective::reduce_scatter:
        return forms::ReduceScatter::kName;
      case Collective::send:
        return {};
    }
    return {};
  }

  /// Narrower than 8 bits are widened first, and computed at 16.
  [[nodiscard]] Law gemm(DType weights) const {
    const bool widened = bits(weights) == 4;
    Law law = fits_.nearest(forms::Gemm::kName, widened ? DType::bf16 : weights);
    if (!law) {
      fits_.note("no fit of products; a roofline stands in");
    } else if (widened) {
      fits_.note(
          fmt::format("no gemm fit for {}; that for bf16 stands in, with a quarter of the "
                      "weights' bytes",
                      config::Scalar<DType>::format(weights)));
    }
    return law;
  }

  /// Kept: what tables say of a shape takes long to find out.
  [[nodiscard]] const CorrectedLaw& law_of_product(DType weights, std::int64_t n,
                                                   std::int64_t k) const {
    const auto [entry, fresh] = products_.try_emplace({weights, n, k});
    if (fresh) {
      entry->second.law = gemm(weights);
      if (tables_) entry->second.residual = tables_->gemm(weights, n, k);
    }
    return entry->second;
  }

  [[nodiscard]] Estimate gemm_time(const Law& law, std::int64_t m, std::int64_t n, std::int64_t k,
                                   DType weights) const {
    return law.time(
        forms::Gemm::seconds(law.parameters, chip_, {.m = m, .n = n, .k = k, .weights = weights}));
  }

  /// Tokens that some expert here sees.
  static double reaching(const Routed& routed) {
    return std::min(as_double(routed.tokens), routed.pairs);
  }

  /// One product of [rows of an expert, k] x [k, n] for each expert touched, in one kernel. With
  /// narrow weights so many rows are quantised: those of tokens before they are copied to experts.
  [[nodiscard]] Estimate grouped(const Law& law, const Routed& routed, double quantised,
                                 std::int64_t n, std::int64_t k, DType weights) const {
    if (routed.touched <= 0) return {};
    Law bare{law.parameters};
    bare.parameters[kQuantiseRow] = 0;
    bare.parameters[kQuantise] = std::numeric_limits<double>::max();
    const auto of_these = static_cast<std::int64_t>(std::ceil(quantised));
    const double quantising = seconds(gemm_time({law.parameters}, of_these, n, k, weights).time) -
                              seconds(gemm_time(bare, of_these, n, k, weights).time);
    const double rows = std::max(1.0, routed.pairs / routed.touched);
    const double padded = std::ceil(rows / as_double(kExpertRows)) * as_double(kExpertRows);
    const auto all = static_cast<std::int64_t>(std::ceil(routed.touched * padded));
    const double reading =
        routed.touched * as_double(n * k) * bytes_per_element(weights) / law.parameters[kBandwidth];
    const double computing = seconds(gemm_time(bare, all, n, k, weights).time);
    return law.time(quantising + p_norm3(reading, computing));
  }

  Fits fits_;
  forms::Chip chip_;
  std::optional<KernelTables> tables_;
  std::unique_ptr<const Kernels> rest_;
  mutable std::map<std::tuple<DType, std::int64_t, std::int64_t>, CorrectedLaw> products_;
};

}  // namespace

std::unique_ptr<const Kernels> fitted_kernels(const KernelProfile& profile, const GpuSpec& gpu,
                                              Confidence confidence) {
  return std::make_unique<FittedKernels>(profile, gpu, confidence, std::nullopt);
}

std::unique_ptr<const Kernels> table_kernels(const KernelProfile& profile, const GpuSpec& gpu,
                                             const std::filesystem::path& directory) {
  return std::make_unique<FittedKernels>(profile, gpu, Confidence::base,
                                         KernelTables::read(directory, profile, chip_of(gpu)));
}

}  // namespace terrace
