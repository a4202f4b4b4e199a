#include "sim/kv/cache_watch.hpp"

#include <utility>
#include <vector>

namespace terrace {
namespace {

/// Does as its policy does, and remembers when each block was last used.
class Watched final : public EvictionPolicy {
 public:
  Watched(std::unique_ptr<EvictionPolicy> policy, CacheWatch& watch, std::size_t level,
          const EventLoop& loop)
      : policy_(std::move(policy)), watch_(watch), level_(level), loop_(loop) {}

  void on_insert(BlockId block, ContentId content) override {
    if (block.index() >= residents_.size()) residents_.resize(block.index() + 1);
    residents_[block.index()] = {content, loop_.now()};
    policy_->on_insert(block, content);
  }
  void on_access(BlockId block) override {
    used(block);
    policy_->on_access(block);
  }
  void on_pin(BlockId block) override {
    used(block);
    policy_->on_pin(block);
  }
  void on_unpin(BlockId block) override {
    used(block);
    policy_->on_unpin(block);
  }
  void on_evict(BlockId block) override {
    const Resident& leaving = residents_[block.index()];
    if (leaving.content != ContentId::none()) {
      watch_.evicted(level_, leaving.content, leaving.last_use);
    }
    policy_->on_evict(block);
  }
  void on_remove(BlockId block) override {
    const ContentId content = residents_[block.index()].content;
    if (content != ContentId::none()) watch_.removed(level_, content);
    policy_->on_remove(block);
  }
  BlockId victim(ContentId incoming) override { return policy_->victim(incoming); }
  [[nodiscard]] bool admits(ContentId content) override { return policy_->admits(content); }
  void for_each_ghost(FunctionRef<void(ContentId)> visit) const override {
    policy_->for_each_ghost(visit);
  }

 private:
  struct Resident {
    ContentId content = ContentId::none();
    SimTime last_use{};
  };

  void used(BlockId block) { residents_[block.index()].last_use = loop_.now(); }

  std::unique_ptr<EvictionPolicy> policy_;
  CacheWatch& watch_;
  std::size_t level_;
  const EventLoop& loop_;
  std::vector<Resident> residents_;  // by block
};

}  // namespace

std::unique_ptr<EvictionPolicy> watched(std::unique_ptr<EvictionPolicy> policy, CacheWatch& watch,
                                        std::size_t level, const EventLoop& loop) {
  return std::make_unique<Watched>(std::move(policy), watch, level, loop);
}

}  // namespace terrace
