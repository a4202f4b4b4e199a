#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/cost/layer_profile.hpp"

namespace terrace {

/// What unequal lengths add to the attention of decodes, where a profile knows equal ones only.
///
/// The work is that of the mean length. But a thread block that walks a whole sequence may still be
/// walking the longest one when all others are done: the step ends later by a share of the time by
/// which the longest walk exceeds the mean one,
///
///   t = t(n, mean) + share (walk(longest) - walk(mean)),    walk(k) = t(1 decode of length k),
///
/// both in the company of the same prefill. FlashAttention-2 walks whole sequences in every step
/// with a chunk, and without one where `whole_from` sequences or more fill the GPU. Below that it
/// splits sequences over thread blocks, and their lengths do not matter.
///
/// The shares were fitted to the unequal measurements of LLMServingSim's profile of
/// Qwen3-30B-A3B on an RTX PRO 6000 (13,009 rows). Mean error in % on those of Llama-3.1-8B, next
/// to that of the mean length alone and of that profile's own constant blend with the longest:
/// 4.1, 8.2, 8.4 with a chunk; 1.7, 4.7, 4.5 without, whole; 1.7, 1.7, 4.3 split.
struct UnevenDecodes {
  double share_with_prefill = 0.825;
  double share_alone = 0.59;
  std::int64_t whole_from = 0;  // decodes in a step
};

/// Where FlashAttention-2 stops splitting: thread blocks, one per sequence and KV head on this GPU,
/// for 80 % of two per SM (num_splits_heuristic of flash_api.cpp). REQUIRES: both at least 1.
std::int64_t whole_sequences_from(std::int64_t sms, std::int64_t kv_heads);

/// Attention of one layer, for decodes whose longest has `longest` tokens computed before; three
/// lookups. REQUIRES: as LayerProfile::attention; call.decode_prefix <= longest if it decodes.
Estimate uneven_attention(const LayerProfile& profile, const UnevenDecodes& law,
                          const AttentionCall& call, Tokens longest);

}  // namespace terrace
