#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/kv/eviction/policy.hpp"

/// Eviction policies as slow and as plain as their definitions: a list of blocks, and for each
/// victim a look at all of them. The policies under test must name the same.
namespace terrace::oracle {

struct SlowBlock {
  BlockId block;
  ContentId content;
  bool idle = false;
  std::uint64_t last = 0;  // a count of uses: when it last became idle, or was read while idle
  std::uint64_t uses = 1;
  SimTime inserted;
  SimTime since;     // the time of `last`
  SimTime deadline;  // of its retention, its time to live
  int priority = 0;
  bool expires = false;
  bool awaits_reuse = false;
  bool waits = false;
  BlockUse use;
  std::uint64_t cost = 0;
  std::uint64_t next_use = 0;
};

class SlowPolicy : public EvictionPolicy {
 public:
  explicit SlowPolicy(const EvictionContext& context) : context_(context), facts_(*context.facts) {}

  void on_insert(BlockId block, ContentId content) override;
  void on_access(BlockId block) override;
  void on_pin(BlockId block) override;
  void on_unpin(BlockId block) override;
  void on_remove(BlockId block) override;
  BlockId victim(ContentId incoming) override;

 protected:
  using Blocks = std::vector<SlowBlock>;

  /// What a model notes at a use, when a block becomes idle, and when it leaves.
  virtual void used(SlowBlock&) {}
  virtual void ranked(SlowBlock&) {}
  virtual void leaves(const SlowBlock&) {}
  virtual void changed() {}

  /// The most expendable of `idle`, which have content; there is at least one.
  virtual BlockId choose(const std::vector<SlowBlock*>& idle) = 0;

  EvictionContext context_;
  const BlockFacts& facts_;
  Blocks blocks_;
  std::uint64_t clock_ = 0;

 private:
  SlowBlock& find(BlockId block);
  void rank(SlowBlock& block);
};

/// The block with the least rank.
template <class Rank>
BlockId least(const std::vector<SlowBlock*>& idle, Rank rank) {
  const auto at = std::min_element(
      idle.begin(), idle.end(),
      [&rank](const SlowBlock* a, const SlowBlock* b) { return rank(*a) < rank(*b); });
  return (*at)->block;
}

std::unique_ptr<EvictionPolicy> slow_leaf_lru(const EvictionContext& context);
std::unique_ptr<EvictionPolicy> slow_priority(const EvictionContext& context);
std::unique_ptr<EvictionPolicy> slow_length_aware(const EvictionContext& context);
std::unique_ptr<EvictionPolicy> slow_pensieve(const EvictionContext& context);
std::unique_ptr<EvictionPolicy> slow_marconi(const EvictionContext& context, double alpha);
std::unique_ptr<EvictionPolicy> slow_workload_aware(const EvictionContext& context,
                                                    std::size_t min_samples, std::size_t window);
std::unique_ptr<EvictionPolicy> slow_lookahead(const EvictionContext& context);
std::unique_ptr<EvictionPolicy> slow_tail_lru(const EvictionContext& context, Tokens xi,
                                              Tokens next_prompt);
std::unique_ptr<EvictionPolicy> slow_belady(const EvictionContext& context);

struct SlowTtl {
  Duration ttl{};
  bool learns = false;  // the time for tools, which otherwise is:
  Duration tool_ttl{};
  std::size_t min_samples = 1;
  std::size_t window = 1;
  double memory_cost = 0;
};
std::unique_ptr<EvictionPolicy> slow_ttl(const EvictionContext& context, const SlowTtl& options);

}  // namespace terrace::oracle
