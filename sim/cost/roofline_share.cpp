#include "sim/cost/roofline_share.hpp"

#include <algorithm>
#include <string_view>

#include "sim/cost/forms/cpu.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"

namespace terrace {
namespace {

bool has(const KernelProfile& profile, std::string_view form) {
  return std::any_of(profile.fits.begin(), profile.fits.end(),
                     [&](const KernelFit& fit) { return fit.form.text == form; });
}

bool attention_by_law(const KernelProfile& profile, bool latent) {
  if (profile.of_processor()) {
    return !latent && has(profile, forms::CpuDecode::kName) &&
           has(profile, forms::CpuPrefill::kName);
  }
  if (!latent) return has(profile, forms::Decode::kName) && has(profile, forms::Prefill::kName);
  return has(profile, forms::MlaDecode::kName) && has(profile, forms::MlaPrefill::kName) &&
         has(profile, forms::Gemm::kName);
}

}  // namespace

RooflineShare roofline_share(const KernelProfile& profile, const ModelSpec& model,
                             const Parallel& parallel) {
  RooflineShare share;
  share.products = profile.of_processor() || !has(profile, forms::Gemm::kName);
  for (const LayerGroup& group : model.layers) {
    for (const AttentionKernel& kernel : work(group.attention, model.hidden, parallel).kernels) {
      share.attention |= !attention_by_law(profile, kernel.latent > 0);
    }
  }
  return share;
}

}  // namespace terrace
