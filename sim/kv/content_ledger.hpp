#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/content_table.hpp"
#include "sim/kv/eviction/facts.hpp"

namespace terrace {

/// A retention rule for part of a request's text, as TensorRT-LLM's KvCacheRetentionConfig: it is
/// for the blocks whose first token lies in the range.
struct Retention {
  Tokens from;
  Tokens to = Tokens::max();
  std::int64_t priority = 35;
  Duration duration{};
};

/// What the run knows of contents, for the policies that ask (see BlockFacts). Only what some
/// policy needs is kept.
class ContentLedger {
 public:
  /// `recompute`: prefill time of the first so many tokens of a sequence.
  ContentLedger(const EventLoop& loop, const ContentTable& contents, FactNeeds needs,
                std::function<Duration(Tokens)> recompute);
  ContentLedger(const ContentLedger&) = delete;  // views point at it
  ContentLedger& operator=(const ContentLedger&) = delete;
  ~ContentLedger();

  /// The facts as a pool sees them whose blocks are `ratio` engine blocks long. Lives as long as
  /// the ledger.
  const BlockFacts& view(std::int64_t ratio);

  /// A request that says `use` of itself is about to use these blocks, in the order of its text.
  /// Where rules overlap, the last one counts.
  void used(std::span<const ContentId> sequence, const BlockUse& use,
            std::span<const Retention> rules);

  /// A request that wants these blocks has joined, or left, the queue.
  void queued(std::span<const ContentId> sequence);
  void unqueued(std::span<const ContentId> sequence);

  /// The uses to come, by number of the request: told once, before the first one arrives. A use
  /// lies in the past once its request, and all before it, have been admitted or rejected.
  void foresee(const std::vector<std::vector<ContentId>>& sequences);
  void met(std::uint64_t request);

  /// The memoised `recompute`.
  [[nodiscard]] Duration prefill(Tokens tokens) const;

 private:
  class View;

  [[nodiscard]] bool needed(FactNeeds fact) const { return any_of(needs_, fact); }
  [[nodiscard]] std::uint64_t next_use(ContentId content) const;

  const EventLoop& loop_;
  const ContentTable& contents_;
  FactNeeds needs_;
  std::function<Duration(Tokens)> recompute_;
  std::vector<std::unique_ptr<View>> views_;
  std::vector<BlockUse> uses_;          // by content
  std::vector<std::uint32_t> waiting_;  // by content: requests in the queue that want it
  // Uses to come of content i: requests_[first_use_[i] ... first_use_[i + 1]), rising.
  std::vector<std::uint64_t> first_use_;
  std::vector<std::uint32_t> requests_;
  std::vector<bool> met_;                  // by request
  std::uint64_t past_ = 0;                 // all requests below it are met
  mutable std::vector<Duration> prefill_;  // by blocks of the engine; zero: not asked yet
};

}  // namespace terrace
