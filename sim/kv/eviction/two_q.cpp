#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/ghosts.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Johnson, Shasha, "2Q: a low overhead high performance buffer management replacement algorithm",
/// VLDB 1994, the full version: new content passes a FIFO, A1in, and only what comes back after it
/// left that is kept by recency, in Am. A1out remembers what has left A1in.
class TwoQ final : public EvictionPolicy {
 public:
  struct Options {
    double kin = 0.25;
    double kout = 0.5;

    void tell(config::Fields& f) {
      f.field("kin", kin, "size of A1in as a part of the pool", config::kFraction);
      f.field("kout", kout, "contents in A1out as a part of the pool", config::between(0, 1e9));
    }
  };

  TwoQ(const Options& options, const EvictionContext& context)
      : kin_(static_cast<std::int64_t>(options.kin * static_cast<double>(context.capacity))),
        kout_(static_cast<std::int64_t>(options.kout * static_cast<double>(context.capacity))) {}

  void on_insert(BlockId block, ContentId content) override {
    blocks_.insert(block, content, a1out_.forget(content) ? kAm : kA1in);
    a1out_.trim(kout_);
  }
  void on_access(BlockId block) override {
    if (blocks_.queue_of(block) == kAm) blocks_.move_to_back(block, kAm);
  }
  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }

  void on_evict(BlockId block) override {
    if (blocks_.queue_of(block) == kA1in) a1out_.add(blocks_.content(block));
    blocks_.remove(block);
  }

  BlockId victim(ContentId) override {
    a1out_.trim(kout_);
    const std::size_t queue = blocks_.size(kA1in) > kin_ ? kA1in : kAm;
    const BlockId block = blocks_.evictable(queue);
    return block != BlockId::none() ? block : blocks_.evictable(kA1in + kAm - queue);
  }

  void for_each_ghost(FunctionRef<void(ContentId)> visit) const override { a1out_.for_each(visit); }

 private:
  static constexpr std::size_t kA1in = 0;
  static constexpr std::size_t kAm = 1;

  std::int64_t kin_;
  std::int64_t kout_;
  BlockQueues blocks_{2};
  Ghosts a1out_;
};

}  // namespace

std::unique_ptr<EvictionRecipe> two_q() { return eviction_recipe<TwoQ>(); }

}  // namespace terrace::eviction
