#include "sim/cost/profiled.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/cost/roofline.hpp"

namespace terrace {
namespace {

using Curve = LayerProfile::Curve;

constexpr std::int64_t kExpertTokens = 4096;  // more than that touch every expert

const Curve* required(const Curve* curve, std::string_view operation) {
  if (curve != nullptr) return curve;
  throw config::ConfigError(
      fmt::format("error: this layer profile has no operation '{}'\n", operation));
}

std::int64_t captured_size(std::int64_t tokens) {
  if (tokens <= 2) return tokens;
  if (tokens <= 4) return 4;
  const std::int64_t step = tokens <= 256 ? 8 : 16;
  return (tokens + step - 1) / step * step;
}

class Profiled final : public CostModel {
 public:
  Profiled(LayerProfile profile, const ProfiledEngine& engine)
      : profile_(std::move(profile)), engine_(engine) {
    TERRACE_CHECK(engine.layers >= 1);
    for (const char* name : {"embedding", "final_layernorm"}) {
      once_.push_back(required(profile_.per_token(name), name));
    }
    for (const char* name : {"layernorm", "layernorm", "qkv_proj", "rotary_emb", "o_proj"}) {
      per_layer_.push_back(required(profile_.per_token(name), name));
    }
    for (const char* name : {"qk_norm", "gate_up_proj", "act_fn", "down_proj"}) {
      if (const Curve* curve = profile_.per_token(name)) per_layer_.push_back(curve);
    }
    for (const char* name : {"lm_head", "sampler"}) {
      per_sample_.push_back(required(profile_.per_sequence(name), name));
    }
    if (engine.experts > 0) {
      if (!profile_.has_moe()) {
        throw config::ConfigError("error: this layer profile has no experts (*_moe.csv)\n");
      }
      touched_ = touched_experts(engine.experts, engine.top_k, kExpertTokens);
    }
  }

  [[nodiscard]] Duration step(const Batch& batch) const override {
    TERRACE_CHECK(!batch.empty());
    // Whoever computes one token runs as a decode, also the last token of a prompt.
    AttentionCall attention;
    Tokens longest = batch.longest_decode - Tokens{batch.decodes > 0 ? 1 : 0};
    Tokens decode_prefix = batch.decode_context - Tokens{batch.decodes};
    attention.decodes = batch.decodes;
    double pairs = 0;
    for (const PrefillChunk& chunk : batch.prefills) {
      if (chunk.fresh == Tokens{1}) {
        ++attention.decodes;
        decode_prefix += chunk.prefix;
        longest = std::max(longest, chunk.prefix);
      } else {
        attention.prefill += chunk.fresh;
        pairs += count(chunk.fresh) * (count(chunk.prefix) + count(chunk.fresh) / 2);
      }
    }
    const std::int64_t tokens = attention.prefill.count() + attention.decodes;
    if (attention.prefill > Tokens{}) {
      const double prefix = pairs / count(attention.prefill) - count(attention.prefill) / 2;
      attention.prefill_prefix = Tokens{static_cast<std::int64_t>(std::max(prefix, 0.0) + 0.5)};
    }
    if (attention.decodes > 0) {
      attention.decode_prefix = Tokens{decode_prefix.count() / attention.decodes};
    }

    const bool captured = attention.prefill == Tokens{} && tokens <= engine_.largest_captured;
    const auto padded = static_cast<double>(captured ? captured_size(tokens) : tokens);
    Duration layer = uneven_attention(profile_, engine_.uneven, attention, longest).time;
    for (const Curve* curve : per_layer_) layer += curve->at({padded}).time;
    if (!touched_.empty()) {
      const auto entry = std::min(static_cast<std::size_t>(padded), touched_.size() - 1);
      layer += profile_.moe(padded, touched_[entry]).time;
    }
    if (!captured) layer += engine_.uncaptured_layer;

    Duration time = engine_.layers * layer;
    for (const Curve* curve : once_) time += curve->at({padded}).time;
    if (batch.samples > 0) {
      const auto samples = static_cast<double>(batch.samples);
      for (const Curve* curve : per_sample_) time += curve->at({samples}).time;
    }
    return time;
  }

 private:
  static double count(Tokens n) { return static_cast<double>(n.count()); }

  LayerProfile profile_;
  ProfiledEngine engine_;
  std::vector<const Curve*> once_;  // all into profile_
  std::vector<const Curve*> per_layer_;
  std::vector<const Curve*> per_sample_;
  std::vector<double> touched_;  // experts, by tokens
};

}  // namespace

std::unique_ptr<CostModel> make_profiled(LayerProfile profile, const ProfiledEngine& engine) {
  return std::make_unique<Profiled>(std::move(profile), engine);
}

}  // namespace terrace
