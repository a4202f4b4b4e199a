#include "sim/cost/uneven_decodes.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace terrace {

std::int64_t whole_sequences_from(std::int64_t sms, std::int64_t kv_heads) {
  TERRACE_CHECK(sms >= 1 && kv_heads >= 1);
  return (8 * 2 * sms + 10 * kv_heads - 1) / (10 * kv_heads);
}

Estimate uneven_attention(const LayerProfile& profile, const UnevenDecodes& law,
                          const AttentionCall& call, Tokens longest) {
  Estimate even = profile.attention(call);
  const bool alone = call.prefill.count() == 0;
  if (call.decodes < 2 || (alone && call.decodes < law.whole_from)) return even;
  TERRACE_CHECK(call.decode_prefix <= longest);

  // A lone decode is split unless a chunk comes with it; the least chunk hides behind its walk.
  AttentionCall walk = call;
  walk.decodes = 1;
  if (alone) walk.prefill = Tokens{1};
  const Estimate mean = profile.attention(walk);
  walk.decode_prefix = longest;
  const Estimate last = profile.attention(walk);
  const double share = alone ? law.share_alone : law.share_with_prefill;
  const Duration excess = std::max(last.time - mean.time, Duration{});
  even += Estimate{duration_from_seconds(share * seconds(excess))};
  even.extrapolated |= last.extrapolated;
  return even;
}

}  // namespace terrace
