#pragma once

#include <cstdint>
#include <memory>

#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/cost/layer_profile.hpp"
#include "sim/cost/uneven_decodes.hpp"

namespace terrace {

/// What a layer profile does not say of the engine that runs its layers.
struct ProfiledEngine {
  std::int64_t layers = 1;
  std::int64_t experts = 0;  // of a layer, all on this GPU; 0: the layers are dense
  std::int64_t top_k = 0;
  UnevenDecodes uneven{};

  /// Steps that only decode up to so many sequences run as one captured graph, of the next larger
  /// captured size: 1, 2, 4, then multiples of 8 up to 256 and of 16 beyond (vLLM 0.19: the
  /// smaller of 2 max_num_seqs and 512).
  std::int64_t largest_captured = 0;

  /// What every layer of any other step takes in addition.
  Duration uncaptured_layer{};
};

/// Step time from measured layers: with T tokens and S sampled sequences,
///
///   embedding(T) + layers (2 layernorm(T) + qkv_proj(T) + qk_norm(T) + rotary_emb(T) + attention
///     + o_proj(T) + gate_up_proj(T) + act_fn(T) + down_proj(T)) + final_layernorm(T)
///     + lm_head(S) + sampler(S)
///
/// with moe() for the MLP where the layers have experts; T is the captured size of a step that runs
/// as a graph. What the profile lacks of qk_norm and the MLP counts as nothing. Several chunks are
/// priced as one with as many pairs of query and key. One GPU, or one rank of a tensor-parallel
/// group without its all-reduces.
///
/// Throws ConfigError if the profile lacks any other of these operations, or moe() with experts.
std::unique_ptr<CostModel> make_profiled(LayerProfile profile, const ProfiledEngine& engine);

}  // namespace terrace
