#include <cstdint>
#include <vector>

#include "sim/kv/eviction/carriers.hpp"
#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace::eviction {
namespace {

/// SGLang's radix cache (mem_cache/radix_cache.py, evict): a block whose continuation lies in the
/// same pool is out of reach, since without it the continuation cannot be found. It becomes a
/// candidate, by its own last use, when the last of its continuations has left. Only if all leaves
/// are in use does an idle inner block go, which a tree that locks whole paths never sees.
class LeafLru final : public RankedPolicy<std::uint64_t> {
 public:
  static constexpr FactNeeds kNeeds = FactNeeds::sequence;

  explicit LeafLru(const EvictionContext& context) : facts_(facts_of(context)) {}

  void on_insert(BlockId block, ContentId content) override {
    RankedPolicy::on_insert(block, content);
    if (block.index() >= blocks_.size()) blocks_.resize(block.index() + 1);
    blocks_[block.index()].parent = ContentId::none();
    if (content == ContentId::none()) return;
    carriers_.add(block, content);
    const ContentId parent = facts_.before(content);
    blocks_[block.index()].parent = parent;
    if (parent == ContentId::none()) return;
    if (parent.index() >= children_.size()) children_.resize(parent.index() + 1);
    if (children_[parent.index()]++ == 0) move_idle(parent);
  }

  void on_remove(BlockId block) override {
    unrank(block);
    if (content(block) != ContentId::none()) carriers_.remove(block, content(block));
    const ContentId parent = blocks_[block.index()].parent;
    if (parent != ContentId::none() && --children_[parent.index()] == 0) move_idle(parent);
  }

 private:
  static constexpr std::size_t kLeaves = kRanks;
  static constexpr std::size_t kInner = kRanks + 1;

  struct Block {
    ContentId parent = ContentId::none();
    std::uint64_t last_use = 0;
  };

  void rank(BlockId block) override {
    blocks_[block.index()].last_use = ++uses_;
    place(block);
  }

  void place(BlockId block) {
    const std::size_t i = content(block).index();
    const bool inner = i < children_.size() && children_[i] > 0;
    idle_.push(block, blocks_[block.index()].last_use, inner ? kInner : kLeaves);
  }

  /// What carries `content` has become an inner block, or a leaf.
  void move_idle(ContentId content) {
    carriers_.for_each(content, [this](BlockId block) {
      if (!idle_.contains(block)) return;
      idle_.remove(block);
      place(block);
    });
  }

  BlockId most_expendable() override {
    return idle_.first(idle_.empty(kLeaves) ? kInner : kLeaves);
  }

  const BlockFacts& facts_;
  Carriers carriers_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> children_;  // of each content: resident blocks that continue it
  std::uint64_t uses_ = 0;
};

}  // namespace

std::unique_ptr<EvictionRecipe> leaf_lru() { return eviction_recipe<LeafLru>(); }

}  // namespace terrace::eviction
