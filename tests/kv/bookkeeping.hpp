#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::testing {

/// A small pool in which contents come, are read, leave by eviction and by removal, with blocks in
/// use all the time; what it knows is checked against what the policy says.
class Bookkeeping {
 public:
  explicit Bookkeeping(std::unique_ptr<EvictionPolicy> policy) : policy_(std::move(policy)) {}

  void step(Random& random) {
    const std::size_t content = random.below(kContents);
    const std::size_t block = where_[content];
    const std::uint64_t what = random.below(8);
    if (block == kNowhere) {
      insert(content, what > 0 ? ContentId{content} : ContentId::none());
    } else if (pinned_[block]) {
      what < 6 ? unpin(block) : policy_->on_access(BlockId{block});
    } else if (what == 0) {
      policy_->on_remove(BlockId{block});
      evicted_.erase(content);
      forget(block);
    } else {
      if (what < 3) policy_->on_pin(BlockId{block});
      if (what < 3) pinned_[block] = true;
      policy_->on_access(BlockId{block});
    }
  }

  void check_ghosts() const {
    std::set<std::size_t> ghosts;
    policy_->for_each_ghost([&](ContentId ghost) {
      ASSERT_TRUE(ghosts.insert(ghost.index()).second) << "two ghosts of one content";
      ASSERT_EQ(where_.at(ghost.index()), kNowhere) << "a ghost of what is here";
      ASSERT_TRUE(evicted_.contains(ghost.index())) << "a ghost of what was not evicted";
    });
    ASSERT_LE(ghosts.size(), 2 * kCapacity);
  }

  static constexpr std::size_t kCapacity = 24;

 private:
  static constexpr std::size_t kContents = 90;
  static constexpr std::size_t kNowhere = 1000;

  void insert(std::size_t content, ContentId incoming) {
    std::size_t block = 0;
    while (block < kCapacity && content_[block] != kNowhere) ++block;
    if (block == kCapacity) {
      const BlockId out = policy_->victim(incoming);
      ASSERT_EQ(policy_->victim(incoming), out) << "asked again, it names another";
      if (out == BlockId::none()) {
        ASSERT_EQ(std::count(pinned_.begin(), pinned_.end(), true), std::ptrdiff_t{kCapacity});
        return;
      }
      block = out.index();
      ASSERT_LT(block, kCapacity);
      ASSERT_FALSE(pinned_[block]) << "named a block in use";
      policy_->on_evict(out);
      evicted_.insert(content_[block]);
      forget(block);
    }
    policy_->on_insert(BlockId{block}, ContentId{content});
    content_[block] = content;
    where_[content] = block;
    pinned_[block] = true;
  }

  void unpin(std::size_t block) {
    policy_->on_unpin(BlockId{block});
    pinned_[block] = false;
  }

  void forget(std::size_t block) {
    where_[content_[block]] = kNowhere;
    content_[block] = kNowhere;
  }

  std::unique_ptr<EvictionPolicy> policy_;
  std::vector<std::size_t> content_ = std::vector<std::size_t>(kCapacity, kNowhere);
  std::vector<std::size_t> where_ = std::vector<std::size_t>(kContents, kNowhere);
  std::vector<bool> pinned_ = std::vector<bool>(kCapacity);
  std::set<std::size_t> evicted_;  // and not removed since
};

}  // namespace terrace::testing
