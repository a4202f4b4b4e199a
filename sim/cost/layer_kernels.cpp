#include "sim/cost/layer_kernels.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

class LayerAttention final : public AttentionLaw {
 public:
  LayerAttention(const LayerProfile& profile, const UnevenDecodes& uneven)
      : profile_(profile), uneven_(uneven) {}

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    // Several chunks are priced as one with as many pairs of a query and a key.
    AttentionCall call;
    double pairs = 0;
    for (const PrefillChunk& chunk : batch.prefills) {
      const auto fresh = static_cast<double>(chunk.fresh.count());
      pairs += fresh * (static_cast<double>(chunk.prefix.count()) + fresh / 2);
      call.prefill += chunk.fresh;
    }
    if (call.prefill > Tokens{}) {
      const auto fresh = static_cast<double>(call.prefill.count());
      call.prefill_prefix =
          Tokens{static_cast<std::int64_t>(std::max(0.0, pairs / fresh - fresh / 2) + 0.5)};
    }
    if (batch.decodes == 0) return profile_.attention(call);
    // The profile counts what was computed before, a batch what is attended to.
    call.decodes = batch.decodes;
    call.decode_prefix = Tokens{batch.context.count() / batch.decodes - 1};
    return uneven_attention(profile_, uneven_, call, batch.longest - Tokens{1});
  }

 private:
  const LayerProfile& profile_;
  UnevenDecodes uneven_;
};

class LayerKernels final : public Kernels {
 public:
  LayerKernels(LayerProfile profile, const UnevenDecodes& uneven,
               std::unique_ptr<const Kernels> rest)
      : profile_(std::move(profile)), uneven_(uneven), rest_(std::move(rest)) {}

  [[nodiscard]] Estimate product(const Product& product, DType weights,
                                 std::int64_t tokens) const override {
    if (const LayerProfile::Curve* curve = find(product.op)) return at(*curve, tokens);
    if (product.op == Op::router && profile_.has_moe()) return {};  // part of its block
    missing_.insert(name(product.op));
    return rest_->product(product, weights, tokens);
  }

  [[nodiscard]] Estimate pointwise(const Pointwise& kernel, std::int64_t tokens) const override {
    if (const LayerProfile::Curve* curve = find(kernel.op)) return at(*curve, tokens);
    missing_.insert(name(kernel.op));
    return rest_->pointwise(kernel, tokens);
  }

  [[nodiscard]] Estimate experts(const ExpertsWork& experts, DType weights,
                                 const Routed& routed) const override {
    if (!profile_.has_moe()) {
      missing_.insert("moe");
      return rest_->experts(experts, weights, routed);
    }
    // The profile's tokens find all experts they pick on the GPU.
    return profile_.moe(routed.pairs / static_cast<double>(experts.top_k), routed.touched);
  }

  [[nodiscard]] std::unique_ptr<AttentionLaw> attention(const AttentionKernel&,
                                                        DType) const override {
    return std::make_unique<LayerAttention>(profile_, uneven_);
  }

  [[nodiscard]] Estimate collective(Collective op, Bytes bytes, int gpus) const override {
    missing_.insert("communication");
    return rest_->collective(op, bytes, gpus);
  }

  [[nodiscard]] std::vector<std::string> caveats() const override {
    // Its files do not say what they were measured on.
    std::vector<std::string> all{
        "from a layer profile, taken to be of this model, GPU and tensor_parallel"};
    if (missing_.empty()) return all;
    for (std::string& caveat : rest_->caveats()) all.push_back(std::move(caveat));
    all.push_back(fmt::format("not in the layer profile, and taken from the GPU's own kernels: {}",
                              fmt::join(missing_, ", ")));
    return all;
  }

 private:
  [[nodiscard]] const LayerProfile::Curve* find(Op op) const {
    const bool per_sequence = op == Op::lm_head || op == Op::sampler;
    return per_sequence ? profile_.per_sequence(name(op)) : profile_.per_token(name(op));
  }

  static Estimate at(const LayerProfile::Curve& curve, std::int64_t count) {
    return curve.at({static_cast<double>(count)});
  }

  LayerProfile profile_;
  UnevenDecodes uneven_;
  std::unique_ptr<const Kernels> rest_;
  mutable std::set<std::string_view> missing_;  // asked for so far
};

}  // namespace

std::unique_ptr<const Kernels> layer_kernels(LayerProfile profile, const UnevenDecodes& uneven,
                                             std::unique_ptr<const Kernels> rest) {
  return std::make_unique<LayerKernels>(std::move(profile), uneven, std::move(rest));
}

}  // namespace terrace
