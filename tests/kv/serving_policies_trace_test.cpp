// What policies hit on a recorded trace, counted by other programs.

#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/kv/block_pool.hpp"
#include "tests/kv/chosen_policy.hpp"
#include "tests/kv/mooncake_trace.hpp"
#include "tests/kv/still_facts.hpp"

namespace terrace {
namespace {

/// The trace, and when each of its reads is repeated.
class MooncakeOracle : public Mooncake {
 protected:
  void SetUp() override {
    Mooncake::SetUp();
    std::map<ContentId, std::uint64_t> next;
    next_uses_.resize(static_cast<std::size_t>(accesses_));
    std::size_t i = next_uses_.size();
    for (auto prompt = prompts_.rbegin(); prompt != prompts_.rend(); ++prompt) {
      for (auto content = prompt->rbegin(); content != prompt->rend(); ++content) {
        const auto known = next.find(*content);
        next_uses_[--i] = known == next.end() ? BlockFacts::kNever : known->second;
        next[*content] = i;
      }
    }
  }

  std::vector<std::uint64_t> next_uses_;
};

TEST_F(MooncakeOracle, MissesWhatAPerfectCacheMisses) {
  for (const auto& [capacity, misses] :
       {std::pair{1000, 233'506}, {10'000, 182'790}, {30'000, 182'790}}) {
    StillFacts facts;
    BlockPool pool(capacity, chosen_policy("belady", {capacity, &facts}));
    std::int64_t missed = 0;
    std::size_t i = 0;
    for (const auto& prompt : prompts_) {
      for (const ContentId content : prompt) {
        facts.nexts[content] = next_uses_[i++];
        if (const BlockId found = pool.find(content); found != BlockId::none()) {
          pool.touch(found);
          continue;
        }
        ++missed;
        const BlockId block = pool.allocate(content);
        pool.publish(block, content);
        pool.release(block);
      }
    }
    EXPECT_EQ(missed, misses) << capacity;
  }
}

/// The same where a block may be left out, hits being counted up to a prompt's first miss.
TEST_F(MooncakeOracle, HitsWhatAPerfectCacheHitsThatMayLeaveBlocksOut) {
  for (const auto& [capacity, fraction] :
       {std::pair{1000, .1907}, {5859, .3532}, {10'000, .3664}}) {
    StillFacts facts;
    auto policy = chosen_policy("{policy: belady, bypass: true}", {capacity, &facts});
    EvictionPolicy& oracle = *policy;
    BlockPool pool(capacity, std::move(policy));
    std::int64_t hits = 0;
    std::size_t i = 0;
    for (const auto& prompt : prompts_) {
      bool prefix = true;
      for (const ContentId content : prompt) {
        facts.nexts[content] = next_uses_[i++];
        const BlockId found = pool.find(content);
        prefix = prefix && found != BlockId::none();
        hits += prefix ? 1 : 0;
        if (found != BlockId::none()) pool.touch(found);
        const bool full = pool.occupied_blocks() == capacity;
        if (found != BlockId::none() || (full && !oracle.admits(content))) continue;
        const BlockId block = pool.allocate(content);
        pool.publish(block, content);
        pool.release(block);
      }
    }
    EXPECT_NEAR(static_cast<double>(hits) / static_cast<double>(accesses_), fraction, 5e-5)
        << capacity;
  }
}

/// Hits up to the first miss; then the request's blocks are read from the last to the first.
TEST_F(Mooncake, LengthAwareKeepsHeadsOfPrompts) {
  for (const auto& [capacity, fraction] : {std::pair{100'000, .3345},
                                           {50'000, .2602},
                                           {30'000, .2028},
                                           {10'000, .1123},
                                           {5859, .0855},
                                           {1000, .0504}}) {
    StillFacts facts;
    BlockPool pool(capacity, chosen_policy("length_aware", {capacity, &facts}));
    std::int64_t hits = 0;
    for (const auto& prompt : prompts_) {
      for (std::size_t i = 0; i < prompt.size() && pool.find(prompt[i]) != BlockId::none(); ++i) {
        ++hits;
      }
      for (std::size_t i = prompt.size(); i-- > 0;) {
        facts.positions[prompt[i]] = static_cast<std::int64_t>(i);
        if (const BlockId found = pool.find(prompt[i]); found != BlockId::none()) {
          pool.touch(found);
          continue;
        }
        const BlockId block = pool.allocate(prompt[i]);
        pool.publish(block, prompt[i]);
        pool.release(block);
      }
    }
    EXPECT_NEAR(static_cast<double>(hits) / static_cast<double>(accesses_), fraction, 5e-5)
        << capacity;
  }
}

}  // namespace
}  // namespace terrace
