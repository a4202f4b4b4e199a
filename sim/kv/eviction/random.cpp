#include <utility>
#include <vector>

#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

class RandomChoice final : public EvictionPolicy {
 public:
  explicit RandomChoice(const EvictionContext& context) : random_(context.random) {}

  void on_insert(BlockId block, ContentId) override {
    if (block.index() >= place_.size()) place_.resize(block.index() + 1);
  }
  void on_access(BlockId) override {}
  void on_remove(BlockId block) override { on_pin(block); }

  void on_pin(BlockId block) override {
    const std::size_t hole = place_[block.index()];
    idle_[hole] = idle_.back();
    place_[idle_[hole].index()] = hole;
    idle_.pop_back();
    if (block == named_) named_ = BlockId::none();
  }

  void on_unpin(BlockId block) override {
    place_[block.index()] = idle_.size();
    idle_.push_back(block);
  }

  BlockId victim(ContentId) override {
    if (named_ == BlockId::none() && !idle_.empty()) named_ = idle_[random_.below(idle_.size())];
    return named_;
  }

 private:
  Random random_;
  std::vector<BlockId> idle_;
  std::vector<std::size_t> place_;   // in idle_
  BlockId named_ = BlockId::none();  // drawn already
};

}  // namespace

std::unique_ptr<EvictionRecipe> random() { return eviction_recipe<RandomChoice>(); }

}  // namespace terrace::eviction
