#include <algorithm>

#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/ghosts.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Megiddo, Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003. T1 holds what
/// was used once, T2 the rest, B1 and B2 the ghosts of each; p, the size that T1 should have, grows
/// when a ghost of T1 comes back and shrinks when one of T2 does.
class Arc final : public EvictionPolicy {
 public:
  explicit Arc(const EvictionContext& context) : c_(context.capacity) {}

  void on_insert(BlockId block, ContentId content) override {
    // What victim() found counts: that it has evicted since must not change the step.
    p_ = content != ContentId::none() && content == expected_ ? expected_p_ : adapted(content);
    expected_ = ContentId::none();
    const bool again = ghosts_.forget(content);
    if (!again) make_room_for_ghosts();
    blocks_.insert(block, content, again ? kTwice : kOnce);
  }
  void on_access(BlockId block) override { blocks_.move_to_back(block, kTwice); }
  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }

  void on_evict(BlockId block) override {
    ghosts_.add(blocks_.content(block), blocks_.queue_of(block));
    blocks_.remove(block);
  }

  /// REPLACE of the paper.
  BlockId victim(ContentId incoming) override {
    expected_ = incoming;
    expected_p_ = adapted(incoming);
    const auto once = static_cast<double>(blocks_.size(kOnce));
    const bool first = once > expected_p_ ||
                       (once >= expected_p_ && ghosts_.queue_of(incoming) == kTwice) ||
                       blocks_.size(kTwice) == 0;
    const std::size_t queue = first && blocks_.size(kOnce) > 0 ? kOnce : kTwice;
    const BlockId block = blocks_.evictable(queue);
    return block != BlockId::none() ? block : blocks_.evictable(kOnce + kTwice - queue);
  }

  void for_each_ghost(FunctionRef<void(ContentId)> visit) const override {
    ghosts_.for_each(visit);
  }

 private:
  static constexpr std::size_t kOnce = 0;   // T1 of the blocks, B1 of the ghosts
  static constexpr std::size_t kTwice = 1;  // T2 and B2

  /// What p becomes when `content` comes in.
  [[nodiscard]] double adapted(ContentId content) const {
    const std::size_t queue = ghosts_.queue_of(content);
    if (queue == Ghosts::kNowhere) return p_;
    const auto once = static_cast<double>(ghosts_.size(kOnce));
    const auto twice = static_cast<double>(ghosts_.size(kTwice));
    if (queue == kOnce) return std::min(p_ + std::max(twice / once, 1.0), static_cast<double>(c_));
    return std::max(p_ - std::max(once / twice, 1.0), 0.0);
  }

  /// Case IV of the paper: |T1| + |B1| <= c and all four <= 2c, with the block that comes in.
  void make_room_for_ghosts() {
    ghosts_.trim(std::max<std::int64_t>(c_ - 1 - blocks_.size(kOnce), 0), kOnce);
    const std::int64_t others = blocks_.size(kOnce) + blocks_.size(kTwice) + ghosts_.size(kOnce);
    ghosts_.trim(std::max<std::int64_t>(2 * c_ - 1 - others, 0), kTwice);
  }

  std::int64_t c_;
  double p_ = 0;
  ContentId expected_ = ContentId::none();  // for which victim() was asked
  double expected_p_ = 0;                   // what p becomes when it comes
  BlockQueues blocks_{2};
  Ghosts ghosts_{2};
};

}  // namespace

std::unique_ptr<EvictionRecipe> arc() { return eviction_recipe<Arc>(); }

}  // namespace terrace::eviction
