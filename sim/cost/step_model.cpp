#include "sim/cost/step_model.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/cost/routing.hpp"

namespace terrace {
namespace {

constexpr std::int64_t kActivationBytes = kUnquantisedBits / 8;

/// Estimates by a whole number, each made when it is first asked for.
class Lookup {
 public:
  template <class Make>
  Estimate at(std::int64_t n, Make make) {
    const auto i = static_cast<std::size_t>(n);
    if (i >= kMost) return make(n);
    if (i >= known_.size()) known_.resize(std::max(i + 1, 2 * known_.size()), kUnknown);
    if (known_[i].time == kUnknown.time) known_[i] = make(n);
    return known_[i];
  }

 private:
  static constexpr Estimate kUnknown{Duration::min()};
  static constexpr std::size_t kMost = std::size_t{1} << 17U;

  std::vector<Estimate> known_;
};

/// The attention of equal layers.
struct AttentionLayers {
  std::int64_t count = 0;
  AttentionKernel kernel;
  std::unique_ptr<AttentionLaw> law;
  std::optional<std::size_t> bound;  // its entry among the batch's bounded sums
};

/// The routed experts of equal layers.
struct ExpertLayers {
  std::int64_t count = 0;
  ExpertsWork work;
  Routing routing;
};

Estimate later(const Estimate& a, const Estimate& b) {
  return {std::max(a.time, b.time), a.extrapolated || b.extrapolated};
}

class StepModel final : public CostModel {
 public:
  StepModel(const ModelSpec& model, const StepSpec& spec, std::unique_ptr<const Kernels> kernels)
      : hidden_(model.hidden),
        spec_(spec),
        kernels_(std::move(kernels)),
        weights_(model.weight_dtype) {
    const std::vector<BoundedReach> bounds = bounded_reaches(model);
    const Tokens inputs = model.encoder ? model.encoder->tokens : Tokens{};
    for (const LayerGroup& group : model.layers) {
      model_layers_ += group.count;
      const AttentionWork attention = work(group.attention, model.hidden, spec.parallel);
      const MlpWork mlp = work(group.mlp, model.hidden, spec.parallel);
      layers_.push_back({group.count, attention.products, attention.pointwise});
      layers_.push_back({group.count, mlp.products, mlp.pointwise});
      for (const AttentionKernel& kernel : attention.kernels) {
        const BoundedReach reach{kernel.reach, kernel.span};
        const auto bound = std::find(bounds.begin(), bounds.end(), reach);
        AttentionKernel bounded = kernel;
        if (kernel.reach == Reach::encoder) bounded.span = inputs;
        attention_.push_back({group.count, bounded, kernels_->attention(bounded, spec.kv), {}});
        if (bound != bounds.end()) {
          attention_.back().bound = static_cast<std::size_t>(bound - bounds.begin());
        }
      }
      if (attention.cache.state > Bytes{}) {
        states_.push_back(
            {group.count, {Op::scan, 2 * attention.cache.state.count() / kActivationBytes}});
      }
      encoding_ += group.count * products(attention.encoder_products, inputs.count());
      if (mlp.experts.total > 0) {
        experts_.push_back({group.count, mlp.experts,
                            Routing(mlp.experts.total, mlp.experts.top_k, spec.routing_skew)});
      }
    }
    lm_head_ = {Op::lm_head, share(model.vocabulary, spec.parallel.tensor), model.hidden, 1};
    if (model.encoder) add_encoder(*model.encoder);
  }

  [[nodiscard]] std::vector<std::string> caveats() const override { return kernels_->caveats(); }

 private:
  /// Layers, or halves of layers, that do the same with every token.
  struct Dense {
    std::int64_t count = 0;
    std::vector<Product> products;
    std::vector<Pointwise> pointwise;
  };

  /// States of linear attention, read and written once for each sequence of a step.
  struct States {
    std::int64_t layers = 0;
    Pointwise one;
  };

  /// An encoder sees its input at once: every token attends to all.
  void add_encoder(const EncoderSpec& encoder) {
    const std::int64_t tokens = encoder.tokens.count();
    const PrefillChunk all{encoder.tokens, Tokens{tokens / 2}};  // as many pairs, if causal
    for (const LayerGroup& group : encoder.layers) {
      const AttentionWork attention = work(group.attention, hidden_, spec_.parallel);
      const MlpWork mlp = work(group.mlp, hidden_, spec_.parallel);
      Estimate layer = dense_layer({1, attention.products, attention.pointwise}, tokens) +
                       dense_layer({1, mlp.products, mlp.pointwise}, tokens);
      for (const AttentionKernel& kernel : attention.kernels) {
        layer += kernels_->attention(kernel, DType::bf16)->time({.prefills = {&all, 1}});
      }
      encoding_ += group.count * layer;
    }
  }

  [[nodiscard]] Estimate price(std::span<const Batch> ranks) const override {
    Estimate slowest;
    std::int64_t most = 0;  // tokens of a rank
    std::int64_t all = 0;   // tokens of all ranks
    bool prompts = false;
    for (const Batch& batch : ranks) {
      if (batch.empty()) continue;
      const std::int64_t tokens = padded(share(batch.tokens(), spec_.parallel.pipeline));
      slowest = later(slowest, own_work(batch, tokens));
      most = std::max(most, tokens);
      all += tokens;
      prompts = prompts || !batch.prefills.empty();
    }
    Estimate step = slowest;
    if (prompts) step += model_layers_ * Estimate{spec_.prompt_layer_overhead};
    if (!experts_.empty()) {
      step += routed_.at(all, [this](std::int64_t n) { return routed(n); });
    }
    if (!experts_.empty() && ranks.size() > 1) {
      // Messages are padded to what the rank with most tokens sends.
      const std::int64_t sent = most * static_cast<std::int64_t>(ranks.size());
      step += exchanged_.at(sent, [this](std::int64_t n) { return exchanged(n); });
    }
    const Estimate host{spec_.overhead};
    return spec_.async ? later(step, host) : step + host;
  }

  /// All that a rank does without the others.
  [[nodiscard]] Estimate own_work(const Batch& batch, std::int64_t tokens) const {
    const std::int64_t stages = spec_.parallel.pipeline;
    Estimate sum = dense_.at(tokens, [this](std::int64_t n) { return dense(n); });
    if (batch.samples > 0) {
      sum += std::min(stages, batch.samples) *
             head_.at(share(batch.samples, stages), [this](std::int64_t n) { return head(n); });
    }
    if (encoding_.time > Duration::zero()) {
      for (const PrefillChunk& chunk : batch.prefills) {
        if (chunk.prefix == Tokens{}) sum += encoding_;
      }
    }
    return stages == 1 ? sum + attention(batch) : sum + attention(part(batch, stages));
  }

  /// One of so many equal parts of a batch; a sequence that decodes is whole, a chunk's parts meet
  /// its mean prefix.
  [[nodiscard]] Batch part(const Batch& batch, std::int64_t parts) const {
    Batch one = batch;
    one.decodes = share(batch.decodes, parts);
    const auto of_those = [&](Tokens sum) {
      return batch.decodes == 0 ? sum : Tokens{share(sum.count() * one.decodes, batch.decodes)};
    };
    one.decode_context = of_those(batch.decode_context);
    part_chunks_.clear();
    for (const PrefillChunk& chunk : batch.prefills) {
      const Tokens fresh{share(chunk.fresh.count(), parts)};
      part_chunks_.push_back({fresh, chunk.prefix + Tokens{(chunk.fresh - fresh).count() / 2}});
    }
    part_bounded_.clear();
    for (const Tokens sum : batch.decode_bounded) part_bounded_.push_back(of_those(sum));
    one.prefills = part_chunks_;
    one.decode_bounded = part_bounded_;
    return one;
  }

  [[nodiscard]] Estimate attention(const Batch& batch) const {
    Estimate sum;
    for (const AttentionLayers& layers : attention_) {
      AttentionBatch seen{batch.decodes, batch.decode_context, batch.decode_longest,
                          batch.prefills};
      if (layers.bound && batch.decodes > 0) {
        seen.context = batch.decode_bounded[*layers.bound];
        const bool encoded = layers.kernel.reach == Reach::encoder;
        seen.longest = encoded ? layers.kernel.span : std::min(seen.longest, layers.kernel.span);
      }
      sum += layers.count * layers.law->time(seen);
    }
    if (states_.empty()) return sum;
    const auto sequences = batch.decodes + static_cast<std::int64_t>(batch.prefills.size());
    return sum + scans_.at(sequences, [this](std::int64_t n) { return scans(n); });
  }

  /// The states of so many sequences.
  [[nodiscard]] Estimate scans(std::int64_t sequences) const {
    Estimate sum;
    for (const States& states : states_) {
      sum += states.layers * kernels_->pointwise(states.one, sequences);
    }
    return sum;
  }

  [[nodiscard]] Estimate products(const std::vector<Product>& all, std::int64_t tokens) const {
    Estimate sum;
    for (const Product& product : all) sum += kernels_->product(product, weights_, tokens);
    return sum;
  }

  /// One of these layers.
  [[nodiscard]] Estimate dense_layer(const Dense& layers, std::int64_t tokens) const {
    Estimate one = products(layers.products, tokens);
    for (const Pointwise& kernel : layers.pointwise) one += kernels_->pointwise(kernel, tokens);
    if (spec_.parallel.tensor > 1 && !layers.products.empty()) {
      one +=
          kernels_->collective(Collective::all_reduce, activations(tokens), spec_.parallel.tensor);
      if (!is_captured(tokens)) one += Estimate{spec_.eager_all_reduce};
    }
    return one;
  }

  /// Everything between embedding and last norm that depends on the number of tokens alone.
  [[nodiscard]] Estimate dense(std::int64_t tokens) const {
    Estimate sum = kernels_->pointwise({Op::embedding, hidden_}, tokens) +
                   kernels_->pointwise({Op::final_layernorm, hidden_}, tokens);
    for (const Dense& layers : layers_) sum += layers.count * dense_layer(layers, tokens);
    if (spec_.parallel.pipeline > 1) {
      sum += std::int64_t{spec_.parallel.pipeline} *
             kernels_->collective(Collective::send, activations(tokens), 2);
    }
    return sum;
  }

  [[nodiscard]] Estimate head(std::int64_t samples) const {
    Estimate sum = kernels_->product(lm_head_, DType::bf16, samples) +
                   kernels_->pointwise({Op::sampler, lm_head_.n}, samples);
    if (spec_.parallel.tensor > 1) {
      sum += kernels_->collective(
          Collective::all_gather,
          Bytes{lm_head_.n * spec_.parallel.tensor * samples * kActivationBytes},
          spec_.parallel.tensor);
    }
    return sum;
  }

  /// The routed experts, if tokens of so many reach this GPU's.
  [[nodiscard]] Estimate routed(std::int64_t tokens) const {
    Estimate sum;
    for (const ExpertLayers& layers : experts_) {
      const ExpertsWork& w = layers.work;
      const double here = static_cast<double>(w.local) / static_cast<double>(w.total);
      const Routed routed{tokens, static_cast<double>(tokens * w.top_k) * here,
                          layers.routing.touched(tokens) * here};
      sum += layers.count * kernels_->experts(w, weights_, routed);
    }
    return sum;
  }

  /// Tokens of all ranks go to whoever has their experts, and come back.
  [[nodiscard]] Estimate exchanged(std::int64_t tokens) const {
    std::int64_t layers = 0;
    for (const ExpertLayers& group : experts_) layers += group.count;
    const int gpus = spec_.parallel.expert;
    return layers * (kernels_->collective(Collective::all_gather, activations(tokens), gpus) +
                     kernels_->collective(Collective::reduce_scatter, activations(tokens), gpus));
  }

  [[nodiscard]] Bytes activations(std::int64_t tokens) const {
    return Bytes{tokens * hidden_ * kActivationBytes};
  }

  /// The least captured number of tokens that holds so many; beyond the largest there is no graph.
  [[nodiscard]] std::int64_t padded(std::int64_t tokens) const {
    const auto size = std::lower_bound(spec_.captured.begin(), spec_.captured.end(), tokens);
    return size == spec_.captured.end() ? tokens : *size;
  }

  [[nodiscard]] bool is_captured(std::int64_t tokens) const {
    return !spec_.captured.empty() && tokens <= spec_.captured.back();
  }

  std::int64_t hidden_;
  std::int64_t model_layers_ = 0;
  StepSpec spec_;
  std::unique_ptr<const Kernels> kernels_;
  DType weights_;
  std::vector<Dense> layers_;
  std::vector<AttentionLayers> attention_;
  std::vector<ExpertLayers> experts_;
  std::vector<States> states_;
  Product lm_head_;
  Estimate encoding_;  // of one input, cross-attention's keys and values included

  // A step model belongs to one simulation, which runs in one thread.
  mutable Lookup dense_;
  mutable Lookup head_;
  mutable Lookup routed_;
  mutable Lookup exchanged_;
  mutable Lookup scans_;
  mutable std::vector<PrefillChunk> part_chunks_;
  mutable std::vector<Tokens> part_bounded_;
};

}  // namespace

std::unique_ptr<CostModel> make_step_model(const ModelSpec& model, const StepSpec& spec,
                                           std::unique_ptr<const Kernels> kernels) {
  return std::make_unique<StepModel>(model, spec, std::move(kernels));
}

}  // namespace terrace
