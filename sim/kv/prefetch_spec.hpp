#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "sim/config/fields.hpp"

namespace terrace {

/// When what lies in a tier is copied up into host DRAM before a request asks for it.
enum class PrefetchPolicy {
  none,
  on_arrival,  // when a request that wants it enters the queue (SGLang HiCache)
  queue,       // when a request that wants it is among the first of the queue (CachedAttention)
  next_turn    // before the session it belongs to is expected back
};

/// How long a request is kept from being scheduled by its own prefetch.
enum class PrefetchStop {
  best_effort,    // not at all: what has arrived when it is admitted is used
  wait_complete,  // until all has arrived
  timeout         // the same, but for some time only
};

/// How the time is predicted after which a session comes back.
enum class ReturnGuess { mean, quantile };

/// A tier's prefetch rule. Blocks are those of the tier.
///
/// Unlike eviction and admission, no object of a tier's own carries the rule out: who wants what is
/// known to the queues (Prefetcher) and to the sessions (ReturnClock), for all tiers. So it is
/// plain data with a tag, not a recipe.
struct PrefetchSpec {
  PrefetchPolicy policy = PrefetchPolicy::none;
  std::int64_t batch = 128;
  // on_arrival
  Tokens min_tokens{256};
  double capacity_share = 0.8;
  PrefetchStop stop = PrefetchStop::best_effort;
  Duration timeout_base = std::chrono::seconds(1);
  Duration timeout_per_ki_token = std::chrono::milliseconds(250);
  // queue
  std::optional<std::int64_t> window;
  // next_turn
  ReturnGuess predict = ReturnGuess::mean;
  double quantile = 0.5;
  std::int64_t min_samples = 8;
  Duration lead = std::chrono::seconds(1);

  [[nodiscard]] bool enabled() const { return policy != PrefetchPolicy::none; }

  /// How long `tokens` that are to be prefetched may keep a request waiting under `timeout`.
  [[nodiscard]] Duration timeout(Tokens tokens) const;

  /// For config::Fields::choice.
  void tell(config::Fields& f, std::string_view doc);
};

/// What `terrace list prefetch` says about a policy.
std::string_view summary_of(PrefetchPolicy policy);

}  // namespace terrace

template <>
struct terrace::config::Names<terrace::PrefetchPolicy> {
  static constexpr std::string_view kKind = "prefetch policy";
  static constexpr std::pair<std::string_view, PrefetchPolicy> kList[] = {
      {"none", PrefetchPolicy::none},
      {"on_arrival", PrefetchPolicy::on_arrival},
      {"queue", PrefetchPolicy::queue},
      {"next_turn", PrefetchPolicy::next_turn}};
};

template <>
struct terrace::config::Names<terrace::PrefetchStop> {
  static constexpr std::string_view kKind = "rule to stop a prefetch";
  static constexpr std::pair<std::string_view, PrefetchStop> kList[] = {
      {"best_effort", PrefetchStop::best_effort},
      {"wait_complete", PrefetchStop::wait_complete},
      {"timeout", PrefetchStop::timeout}};
};

template <>
struct terrace::config::Names<terrace::ReturnGuess> {
  static constexpr std::string_view kKind = "way to predict returns";
  static constexpr std::pair<std::string_view, ReturnGuess> kList[] = {
      {"mean", ReturnGuess::mean}, {"quantile", ReturnGuess::quantile}};
};
