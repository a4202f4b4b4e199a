#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/kv/chosen_policy.hpp"
#include "tests/kv/still_facts.hpp"

namespace terrace {

/// A policy, and blocks that carry the content of the same number.
class ByHand {
 public:
  explicit ByHand(const std::string& yaml, std::int64_t capacity = 100, Tokens block = Tokens{100})
      : policy_(chosen_policy(yaml, {capacity, &facts, Random(1, "unused"), block})) {}

  void insert(std::size_t i) { policy_->on_insert(BlockId{i}, ContentId{i}); }
  void pin(std::size_t i) { policy_->on_pin(BlockId{i}); }
  void unpin(std::size_t i) { policy_->on_unpin(BlockId{i}); }
  void read(std::size_t i) { policy_->on_access(BlockId{i}); }
  void insert_idle(std::size_t i) {
    insert(i);
    unpin(i);
  }
  [[nodiscard]] std::size_t victim() { return policy_->victim(ContentId::none()).index(); }
  void evict(std::size_t i) { policy_->on_evict(BlockId{i}); }

  /// Evicts all, and tells in which order.
  std::vector<std::size_t> evict_all() {
    std::vector<std::size_t> order;
    for (BlockId out = policy_->victim(ContentId::none()); out != BlockId::none();
         out = policy_->victim(ContentId::none())) {
      order.push_back(out.index());
      policy_->on_evict(out);
    }
    return order;
  }

  EvictionPolicy& policy() { return *policy_; }

  StillFacts facts;

 private:
  std::unique_ptr<EvictionPolicy> policy_;
};

}  // namespace terrace
