#include <cstdint>
#include <utility>
#include <vector>

#include "sim/kv/eviction/carriers.hpp"
#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace::eviction {
namespace {

struct BeladyOptions {
  bool bypass = false;

  void tell(config::Fields& f) {
    f.field("bypass", bypass,
            "leave out what is used again later than all that is idle; Belady's MIN (1966) never "
            "does");
  }
};

/// Belady's MIN ("A study of replacement algorithms for a virtual-storage computer", 1966): the
/// block that is used again last goes first; of equals, such as all that never are, the least
/// recently used.
class Belady final : public RankedPolicy<std::pair<std::uint64_t, std::uint64_t>> {
 public:
  using Options = BeladyOptions;
  static constexpr FactNeeds kNeeds = FactNeeds::future;

  Belady(const Options& options, const EvictionContext& context)
      : options_(options), facts_(facts_of(context)) {}

  void on_insert(BlockId block, ContentId content) override {
    RankedPolicy::on_insert(block, content);
    if (block.index() >= blocks_.size()) blocks_.resize(block.index() + 1);
    if (content == ContentId::none()) return;
    carriers_.add(block, content);
    learn(content);
  }

  void on_access(BlockId block) override {
    if (content(block) != ContentId::none()) learn(content(block));
    RankedPolicy::on_access(block);
  }

  void on_remove(BlockId block) override {
    unrank(block);
    if (content(block) != ContentId::none()) carriers_.remove(block, content(block));
  }

  [[nodiscard]] bool admits(ContentId content) override {
    if (!options_.bypass || !idle_.empty(kEmpty) || idle_.empty(kRanks)) return true;
    const std::uint64_t last = blocks_[idle_.first(kRanks).index()].next_use;
    return facts_.next_use(content) <= last;
  }

 private:
  struct Block {
    std::uint64_t next_use = BlockFacts::kNever;
    std::uint64_t last_use = 0;
  };

  void rank(BlockId block) override {
    blocks_[block.index()].last_use = ++uses_;
    place(block);
  }

  void place(BlockId block) {
    const Block& b = blocks_[block.index()];
    idle_.push(block, {BlockFacts::kNever - b.next_use, b.last_use}, kRanks);
  }

  /// A use concerns every copy, also those that nobody read.
  void learn(ContentId content) {
    const std::uint64_t next = facts_.next_use(content);
    carriers_.for_each(content, [this, next](BlockId block) {
      blocks_[block.index()].next_use = next;
      if (!idle_.contains(block)) return;
      unrank(block);
      place(block);
    });
  }

  Options options_;
  const BlockFacts& facts_;
  Carriers carriers_;
  std::vector<Block> blocks_;
  std::uint64_t uses_ = 0;
};

}  // namespace

std::unique_ptr<EvictionRecipe> belady() { return eviction_recipe<Belady>(); }

}  // namespace terrace::eviction
