#include "sim/cost/cpu_kernels.hpp"

#include <map>
#include <utility>

#include "sim/cost/fits.hpp"
#include "sim/cost/forms/cpu.hpp"
#include "sim/cost/roofline.hpp"
#include "sim/cost/split_attention.hpp"

namespace terrace {
namespace {

double as_double(std::int64_t n) { return static_cast<double>(n); }

/// MHA, GQA and MQA: decodes alone.
class CpuDecodes final : public AttentionLaw {
 public:
  CpuDecodes(const AttentionKernel& kernel, DType kv, const forms::Chip& chip, Law law)
      : kernel_(kernel), chip_(chip), kv_bytes_(bytes_per_element(kv)), law_(std::move(law)) {}

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    return law_.time(forms::CpuDecode::seconds(law_.parameters, chip_,
                                               {.batch = batch.decodes,
                                                .kv_tokens = as_double(batch.context.count()),
                                                .heads = kernel_.heads,
                                                .kv_heads = kernel_.kv_heads,
                                                .key_dim = kernel_.head_dim,
                                                .value_dim = kernel_.value_dim,
                                                .kv_bytes_per_element = kv_bytes_,
                                                .longest = as_double(batch.longest.count())}));
  }

 private:
  AttentionKernel kernel_;
  forms::Chip chip_;
  double kv_bytes_;
  Law law_;
};

/// MHA, GQA and MQA: prompts alone.
class CpuPrompts final : public AttentionLaw {
 public:
  CpuPrompts(const AttentionKernel& kernel, DType kv, const forms::Chip& chip, Law law)
      : kernel_(kernel), chip_(chip), kv_bytes_(bytes_per_element(kv)), law_(std::move(law)) {}

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    forms::CpuPrefill::Load load;
    for (const PrefillChunk& chunk : batch.prefills) {
      load += forms::CpuPrefill::load({.heads = kernel_.heads,
                                       .kv_heads = kernel_.kv_heads,
                                       .key_dim = kernel_.head_dim,
                                       .value_dim = kernel_.value_dim,
                                       .kv_bytes_per_element = kv_bytes_,
                                       .fresh = as_double(chunk.fresh.count()),
                                       .pairs = pairs(kernel_, chunk)});
    }
    return law_.time(forms::CpuPrefill::seconds(law_.parameters, chip_, load));
  }

 private:
  AttentionKernel kernel_;
  forms::Chip chip_;
  double kv_bytes_;
  Law law_;
};

/// MLA: decodes alone, as no kernel of kernels/cpu is for its prompts.
class CpuMlaDecodes final : public AttentionLaw {
 public:
  CpuMlaDecodes(const AttentionKernel& kernel, DType kv, const forms::Chip& chip, Law law)
      : heads_(kernel.heads), chip_(chip), kv_bytes_(bytes_per_element(kv)), law_(std::move(law)) {}

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    return law_.time(forms::CpuMlaDecode::seconds(law_.parameters, chip_,
                                                  {.batch = batch.decodes,
                                                   .kv_tokens = as_double(batch.context.count()),
                                                   .heads = heads_,
                                                   .kv_bytes_per_element = kv_bytes_}));
  }

 private:
  std::int64_t heads_;
  forms::Chip chip_;
  double kv_bytes_;
  Law law_;
};

class CpuKernels final : public Kernels {
 public:
  CpuKernels(const KernelProfile& profile, const GpuSpec& processor, Confidence confidence)
      : fits_(profile, confidence),
        chip_(chip_of(processor)),
        rest_(roofline_kernels(processor, confidence)) {}

  [[nodiscard]] Estimate product(const Product& p, DType weights,
                                 std::int64_t tokens) const override {
    const auto [entry, fresh] = products_.try_emplace(weights);
    if (fresh) entry->second = law_of<forms::CpuGemm>(weights, "products");
    const Law& law = entry->second;
    if (!law) return rest_->product(p, weights, tokens);
    return law.time(forms::CpuGemm::seconds(law.parameters, chip_,
                                            {.m = tokens,
                                             .n = p.n * p.times,
                                             .k = p.k,
                                             .bytes_per_element = bytes_per_element(weights)}));
  }

  [[nodiscard]] Estimate pointwise(const Pointwise& kernel, std::int64_t tokens) const override {
    return rest_->pointwise(kernel, tokens);
  }

  [[nodiscard]] Estimate experts(const ExpertsWork& experts, DType weights,
                                 const Routed& routed) const override {
    fits_.note("routed experts: from a roofline, not measured");
    return rest_->experts(experts, weights, routed);
  }

  [[nodiscard]] std::unique_ptr<AttentionLaw> attention(const AttentionKernel& kernel,
                                                        DType kv) const override {
    if (kernel.latent > 0) {
      Law decode = law_of<forms::CpuMlaDecode>(kv, "MLA attention");
      if (!decode) return rest_->attention(kernel, kv);
      fits_.note(kPromptsOfMla);
      return split_attention(std::make_unique<CpuMlaDecodes>(kernel, kv, chip_, std::move(decode)),
                             rest_->attention(kernel, kv));
    }
    Law decode = law_of<forms::CpuDecode>(kv, "decode attention");
    Law prefill = law_of<forms::CpuPrefill>(kv, "prefill attention");
    if (kernel.value_dim == 0 && (decode || prefill)) fits_.note(kIndexOfSparse);
    std::unique_ptr<AttentionLaw> decodes =
        decode ? std::make_unique<CpuDecodes>(kernel, kv, chip_, std::move(decode))
               : rest_->attention(kernel, kv);
    std::unique_ptr<AttentionLaw> prompts =
        prefill ? std::make_unique<CpuPrompts>(kernel, kv, chip_, std::move(prefill))
                : rest_->attention(kernel, kv);
    return split_attention(std::move(decodes), std::move(prompts));
  }

  [[nodiscard]] Estimate collective(Collective op, Bytes bytes, int processors) const override {
    return rest_->collective(op, bytes, processors);
  }

  [[nodiscard]] std::vector<std::string> caveats() const override { return fits_.caveats(); }

 private:
  template <class Form>
  [[nodiscard]] Law law_of(DType dtype, std::string_view what) const {
    Law law = fits_.nearest(Form::kName, dtype);
    if (!law) fits_.note("no fit of " + std::string(what) + "; a roofline stands in");
    return law;
  }

  Fits fits_;
  forms::Chip chip_;
  std::unique_ptr<const Kernels> rest_;
  mutable std::map<DType, Law> products_;  // kept: looking fits up takes longer than the law
};

}  // namespace

std::unique_ptr<const Kernels> cpu_kernels(const KernelProfile& profile, const GpuSpec& processor,
                                           Confidence confidence) {
  return std::make_unique<CpuKernels>(profile, processor, confidence);
}

}  // namespace terrace
