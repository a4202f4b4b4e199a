#include "sim/kv/prefetch_spec.hpp"

#include <algorithm>

namespace terrace {

/// HiCache's linear rule (_prefetch_timeout_check_linear_func in sglang's hiradix_cache.py).
Duration PrefetchSpec::timeout(Tokens tokens) const {
  constexpr Tokens kKi{1024};
  const Duration most = Duration::max() / 2;
  const std::int64_t whole = tokens.count() / kKi.count();
  const std::int64_t rest = tokens.count() % kKi.count();
  const Duration per_ki = timeout_per_ki_token;
  if (timeout_base > most || (per_ki > Duration::zero() && whole >= most / per_ki)) return most;
  return std::min(most, timeout_base + per_ki * whole) + per_ki / kKi.count() * rest +
         per_ki % kKi.count() * rest / kKi.count();
}

void PrefetchSpec::tell(config::Fields& f, std::string_view doc) {
  const auto tell_arrival = [&] {
    f.field("min_tokens", min_tokens, "fewer are not worth it (HiCache prefetch_threshold: 256)",
            config::at_least(1));
    f.field("capacity_share", capacity_share,
            "of the DRAM tier that prefetches may hold (HiCache: 0.8)", config::kFraction);
    f.variant("stop", stop,
              "how long a request is kept waiting by its own prefetch; what is still moving when "
              "it is admitted counts as missing",
              [&] {
                if (stop != PrefetchStop::timeout) return;
                f.field("timeout_base", timeout_base,
                        "time that any request may be kept (HiCache: 1 s)", config::kNotNegative);
                f.field("timeout_per_ki_token", timeout_per_ki_token,
                        "time on top for each 1024 tokens to be prefetched (HiCache: 0.25 s)",
                        config::kNotNegative);
              });
  };
  const auto tell_return = [&] {
    f.variant("predict", predict, "what a session's return is expected after, of those so far",
              [&] {
                if (predict != ReturnGuess::quantile) return;
                f.field("quantile", quantile, "part of the sessions that return no later",
                        config::kFraction);
              });
    f.field("min_samples", min_samples, "returns to have seen before any is predicted",
            config::at_least(1));
    f.field("lead", lead, "time before the expected return at which blocks start to move",
            config::kNotNegative);
  };
  f.variant("policy", policy, doc, [&] {
    if (policy == PrefetchPolicy::none) return;
    f.field("batch", batch, "blocks of this tier that move together (HiCache: 128)",
            config::at_least(1));
    if (policy == PrefetchPolicy::on_arrival) tell_arrival();
    if (policy == PrefetchPolicy::next_turn) tell_return();
    if (policy != PrefetchPolicy::queue) return;
    f.field("window", window,
            "requests at the head of a replica's queue; if left out, as many as the DRAM tier "
            "could hold",
            config::at_least(1));
  });
}

std::string_view summary_of(PrefetchPolicy policy) {
  switch (policy) {
    case PrefetchPolicy::none:
      return "nothing moves before it is asked for";
    case PrefetchPolicy::on_arrival:
      return "what a request wants, when it enters the queue, as SGLang HiCache";
    case PrefetchPolicy::queue:
      return "what the first requests of the queue want, as CachedAttention";
    case PrefetchPolicy::next_turn:
      return "what a session will want, before it is expected back";
  }
  return {};
}

}  // namespace terrace
