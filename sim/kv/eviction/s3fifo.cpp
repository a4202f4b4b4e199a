#include <algorithm>

#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/ghosts.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023: a small FIFO lets
/// into the main one, a CLOCK, only what is read there, or comes back soon after it left.
class S3Fifo final : public EvictionPolicy {
 public:
  struct Options {
    double small_ratio = 0.1;
    double ghost_ratio = 0.9;
    std::int64_t move_threshold = 2;

    void tell(config::Fields& f) {
      f.field("small_ratio", small_ratio, "size of the small queue as a part of the pool",
              config::kFraction);
      f.field("ghost_ratio", ghost_ratio, "contents remembered as a part of the pool",
              config::between(0, 1e9));
      f.field("move_threshold", move_threshold,
              "reads in the small queue that lead to the main one; 1 in the paper's text, 2 in its "
              "code",
              config::between(1, 1000));
    }
  };

  S3Fifo(const Options& options, const EvictionContext& context)
      : threshold_(static_cast<std::uint16_t>(options.move_threshold)),
        main_limit_(context.capacity - part(options.small_ratio, context)),
        ghost_limit_(part(options.ghost_ratio, context)) {}

  void on_insert(BlockId block, ContentId content) override {
    blocks_.insert(block, content, ghosts_.forget(content) ? kMain : kSmall);
    ghosts_.trim(ghost_limit_);
    named_ = BlockId::none();
  }
  void on_access(BlockId block) override {
    if (blocks_.count(block) < std::max(threshold_, kMostTurns)) ++blocks_.count(block);
    named_ = BlockId::none();
  }
  void on_pin(BlockId block) override {
    blocks_.pin(block);
    named_ = BlockId::none();
  }
  void on_unpin(BlockId block) override {
    blocks_.unpin(block);
    named_ = BlockId::none();
  }
  void on_remove(BlockId block) override {
    blocks_.remove(block);
    named_ = BlockId::none();
  }

  void on_evict(BlockId block) override {
    if (blocks_.queue_of(block) == kSmall) ghosts_.add(blocks_.content(block));
    on_remove(block);
  }

  BlockId victim(ContentId) override {
    ghosts_.trim(ghost_limit_);
    if (named_ != BlockId::none()) return named_;
    if (blocks_.size(kMain) <= main_limit_) named_ = out_of_small();
    if (named_ == BlockId::none()) named_ = out_of_main();
    if (named_ == BlockId::none()) named_ = out_of_small();
    return named_;
  }

  void for_each_ghost(FunctionRef<void(ContentId)> visit) const override {
    ghosts_.for_each(visit);
  }

 private:
  static constexpr std::size_t kSmall = 0;
  static constexpr std::size_t kMain = 1;
  static constexpr std::uint16_t kMostTurns = 3;

  static std::int64_t part(double ratio, const EvictionContext& context) {
    return static_cast<std::int64_t>(ratio * static_cast<double>(context.capacity));
  }

  BlockId out_of_small() {
    for (;;) {
      const BlockId block = blocks_.evictable(kSmall);
      if (block == BlockId::none() || blocks_.count(block) < threshold_) return block;
      blocks_.count(block) = 0;
      blocks_.move_to_back(block, kMain);
    }
  }

  BlockId out_of_main() {
    for (;;) {
      const BlockId block = blocks_.evictable(kMain);
      if (block == BlockId::none() || blocks_.count(block) == 0) return block;
      blocks_.count(block) = std::min(blocks_.count(block), kMostTurns);
      --blocks_.count(block);
      blocks_.move_to_back(block, kMain);
    }
  }

  std::uint16_t threshold_;
  std::int64_t main_limit_;
  std::int64_t ghost_limit_;
  BlockQueues blocks_{2};            // counts reads
  BlockId named_ = BlockId::none();  // the last answer, while it holds
  Ghosts ghosts_;
};

}  // namespace

std::unique_ptr<EvictionRecipe> s3fifo() { return eviction_recipe<S3Fifo>(); }

}  // namespace terrace::eviction
