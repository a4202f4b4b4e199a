#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/kv/eviction/id_queues.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Jiang, Zhang, "LIRS: an efficient low inter-reference recency set replacement policy",
/// SIGMETRICS 2002. The stack S orders by recency the LIR blocks, most of the pool, and whatever
/// was used since the lowest of them: HIR blocks, which also wait in the queue Q for their
/// eviction, and ghosts. What is used again while it is in S deserves to be LIR, and takes the
/// place of the lowest.
class Lirs final : public EvictionPolicy {
 public:
  struct Options {
    double hir_ratio = 0.01;
    double stack_ratio = 2;

    void tell(config::Fields& f) {
      f.field("hir_ratio", hir_ratio,
              "blocks that are not LIR, at least one, as a part of the pool", config::kFraction);
      f.field(
          "stack_ratio", stack_ratio,
          "most entries of the stack as a multiple of the pool: the oldest ghosts go; the paper "
          "sets no limit",
          config::between(1, 1e9));
    }
  };

  Lirs(const Options& options, const EvictionContext& context) {
    const auto capacity = static_cast<double>(context.capacity);
    const auto hirs = static_cast<std::int64_t>(options.hir_ratio * capacity);
    most_lirs_ = std::max<std::int64_t>(context.capacity - std::max<std::int64_t>(hirs, 1), 0);
    most_stacked_ = static_cast<std::int64_t>(options.stack_ratio * capacity);
  }

  void on_insert(BlockId block, ContentId content) override {
    EntryId e = ghost(content);
    const bool again = e != EntryId::none();
    if (again) {
      forget_ghost(e);
      stack_.move_to_back(e);
    } else {
      e = new_entry();
      stack_.push_back(e);
    }
    entry(e) = {block, content, again || lirs_ < most_lirs_, true};
    if (block.index() >= entry_of_.size()) entry_of_.resize(block.index() + 1);
    entry_of_[block.index()] = e;
    if (entry(e).lir) {
      ++lirs_;
      balance();
    } else {
      waiting_.push_back(e, kQ);
      prune();
    }
    limit_stack();
  }

  void on_access(BlockId block) override {
    const EntryId e = entry_of_[block.index()];
    if (stack_.contains(e)) {
      stack_.move_to_back(e);
      if (!entry(e).lir) {
        waiting_.remove(e);
        entry(e).lir = true;
        ++lirs_;
        balance();
      }
      prune();
    } else {
      stack_.push_back(e);
      waiting_.move_to_back(e, kQ);
      limit_stack();
    }
  }

  void on_pin(BlockId block) override { entry(entry_of_[block.index()]).pinned = true; }

  void on_unpin(BlockId block) override {
    const EntryId e = entry_of_[block.index()];
    entry(e).pinned = false;
    if (waiting_.queue_of(e) != kAside) return;
    waiting_.remove(e);
    waiting_.push_front(e, kQ);
  }

  void on_evict(BlockId block) override {
    const EntryId e = entry_of_[block.index()];
    const ContentId content = entry(e).content;
    if (content == ContentId::none() || !stack_.contains(e)) return on_remove(block);
    if (ghost(content) != EntryId::none()) drop_ghost(ghost(content));  // of another copy
    waiting_.move_to_back(e, kGhosts);
    if (content.index() >= ghost_of_.size()) ghost_of_.resize(content.index() + 1, EntryId::none());
    ghost_of_[content.index()] = e;
    prune();
  }

  void on_remove(BlockId block) override {
    const EntryId e = entry_of_[block.index()];
    if (stack_.contains(e)) stack_.remove(e);
    if (entry(e).lir) {
      --lirs_;
    } else {
      waiting_.remove(e);
    }
    free_.push_back(e);
    prune();
  }

  BlockId victim(ContentId) override {
    for (;;) {
      const EntryId e = waiting_.front(kQ);
      if (e == EntryId::none() && lirs_ == 0) return BlockId::none();
      if (e == EntryId::none()) {
        demote();  // all of Q is in use
      } else if (entry(e).pinned) {
        waiting_.move_to_back(e, kAside);
      } else {
        return entry(e).block;
      }
    }
  }

  void for_each_ghost(FunctionRef<void(ContentId)> visit) const override {
    waiting_.for_each(kGhosts, [&](EntryId e) { visit(entries_[e.index()].content); });
  }

 private:
  using EntryId = Id<struct EntryKind>;
  static constexpr std::size_t kQ = 0;
  static constexpr std::size_t kAside = 1;  // of Q, until they are unpinned
  static constexpr std::size_t kGhosts = 2;

  struct Entry {
    BlockId block = BlockId::none();
    ContentId content = ContentId::none();
    bool lir = false;
    bool pinned = false;
  };

  Entry& entry(EntryId e) { return entries_[e.index()]; }

  [[nodiscard]] EntryId ghost(ContentId content) const {
    return content.index() < ghost_of_.size() ? ghost_of_[content.index()] : EntryId::none();
  }

  EntryId new_entry() {
    if (free_.empty()) {
      entries_.emplace_back();
      return EntryId{entries_.size() - 1};
    }
    const EntryId e = free_.back();
    free_.pop_back();
    return e;
  }

  void forget_ghost(EntryId e) {
    waiting_.remove(e);
    ghost_of_[entry(e).content.index()] = EntryId::none();
  }

  void drop_ghost(EntryId e) {
    forget_ghost(e);
    stack_.remove(e);
    free_.push_back(e);
  }

  /// Below the lowest LIR block nothing in S can prove that it is better.
  void prune() {
    for (EntryId e = stack_.front(); e != EntryId::none() && !entry(e).lir; e = stack_.front()) {
      if (waiting_.queue_of(e) == kGhosts) {
        drop_ghost(e);
      } else {
        stack_.remove(e);
      }
    }
  }

  /// The lowest LIR block becomes HIR. REQUIRES: there is one.
  void demote() {
    prune();
    const EntryId lowest = stack_.front();
    stack_.remove(lowest);
    entry(lowest).lir = false;
    --lirs_;
    waiting_.push_back(lowest, kQ);
    prune();
  }

  void balance() {
    while (lirs_ > most_lirs_) demote();
  }

  void limit_stack() {
    while (stack_.size() > most_stacked_ && !waiting_.empty(kGhosts)) {
      drop_ghost(waiting_.front(kGhosts));
    }
  }

  std::int64_t most_lirs_;
  std::int64_t most_stacked_;
  std::int64_t lirs_ = 0;
  std::vector<Entry> entries_;
  std::vector<EntryId> free_;
  std::vector<EntryId> entry_of_;  // block -> entry
  std::vector<EntryId> ghost_of_;  // content -> entry of its ghost
  IdQueues<EntryId> stack_;        // the most recent at the back
  IdQueues<EntryId> waiting_{3};   // who is not LIR: Q, and the ghosts, oldest in front
};

}  // namespace

std::unique_ptr<EvictionRecipe> lirs() { return eviction_recipe<Lirs>(); }

}  // namespace terrace::eviction
