#include <cstdint>
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
/// block that is used again last goes first; of those that never are, the least recently used.
class Belady final : public RankedPolicy<std::uint64_t> {
 public:
  using Options = BeladyOptions;
  static constexpr FactNeeds kNeeds = FactNeeds::future;

  Belady(const Options& options, const EvictionContext& context)
      : options_(options), facts_(facts_of(context)) {}

  void on_insert(BlockId block, ContentId content) override {
    RankedPolicy::on_insert(block, content);
    if (block.index() >= next_uses_.size()) next_uses_.resize(block.index() + 1);
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
    if (!options_.bypass || idle_.empty(kRanks)) return true;
    const std::uint64_t last = next_uses_[idle_.first(kRanks).index()];
    return facts_.next_use(content) <= last;
  }

 private:
  void rank(BlockId block) override {
    idle_.push(block, BlockFacts::kNever - next_uses_[block.index()], kRanks);
  }

  /// A use concerns every copy, also those that nobody read.
  void learn(ContentId content) {
    const std::uint64_t next = facts_.next_use(content);
    carriers_.for_each(content, [this, next](BlockId block) {
      if (next_uses_[block.index()] == next) return;
      next_uses_[block.index()] = next;
      if (!idle_.contains(block)) return;
      unrank(block);
      rank(block);
    });
  }

  Options options_;
  const BlockFacts& facts_;
  Carriers carriers_;
  std::vector<std::uint64_t> next_uses_;  // by block
};

}  // namespace

std::unique_ptr<EvictionRecipe> belady() { return eviction_recipe<Belady>(); }

}  // namespace terrace::eviction
