#include <compare>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/eviction/ranked_blocks.hpp"

namespace terrace::eviction {
namespace {

enum class Aging { none, dynamic, compound };
enum class Ties { lru, fifo };

}  // namespace
}  // namespace terrace::eviction

template <>
struct terrace::config::Names<terrace::eviction::Aging> {
  static constexpr std::string_view kKind = "aging";
  static constexpr std::pair<std::string_view, eviction::Aging> kList[] = {
      {"none", eviction::Aging::none},
      {"dynamic", eviction::Aging::dynamic},
      {"compound", eviction::Aging::compound}};
};

template <>
struct terrace::config::Names<terrace::eviction::Ties> {
  static constexpr std::string_view kKind = "tie rule";
  static constexpr std::pair<std::string_view, eviction::Ties> kList[] = {
      {"lru", eviction::Ties::lru}, {"fifo", eviction::Ties::fifo}};
};

namespace terrace::eviction {
namespace {

/// Reads since a block came, its coming included; LFU-DA (Arlitt et al., "Evaluating content
/// management techniques for Web proxy caches", 2000) adds what the last victim had.
class Lfu final : public EvictionPolicy {
 public:
  struct Options {
    Aging aging = Aging::none;
    Ties ties = Ties::lru;

    void tell(config::Fields& f) {
      f.field(
          "aging", aging,
          "none; dynamic (LFU-DA): reads count on top of what the last victim had; compound, as in "
          "libCacheSim's LFUDA: each read adds what the last victim had");
      f.field("ties", ties, "who goes first of equals: lru, read longest ago; fifo, in longest");
    }
  };

  Lfu(const Options& options, const EvictionContext&) : options_(options) {}

  void on_insert(BlockId block, ContentId) override {
    blocks_.insert(block, {sum(age_, 1), ++clock_, 1});
  }
  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }
  BlockId victim(ContentId) override { return blocks_.evictable(); }

  void on_access(BlockId block) override {
    Rank rank = blocks_.rank(block);
    const bool was_lowest = rank.weight == age_;
    ++rank.reads;
    rank.weight =
        options_.aging == Aging::compound ? sum(rank.weight, age_) : sum(age_, rank.reads);
    if (options_.ties == Ties::lru) rank.since = ++clock_;
    if (options_.aging == Aging::compound && was_lowest) raise_age(block, rank.weight);
    blocks_.change(block, rank);
  }

  void on_evict(BlockId block) override {
    if (options_.aging != Aging::none) age_ = blocks_.rank(block).weight;
    if (options_.aging == Aging::compound) raise_age(block, age_);
    blocks_.remove(block);
  }

 private:
  struct Rank {
    std::uint64_t weight = 0;
    std::uint64_t since = 0;
    std::uint64_t reads = 0;

    friend auto operator<=>(const Rank&, const Rank&) = default;
  };

  /// Compound weights grow exponentially.
  static std::uint64_t sum(std::uint64_t a, std::uint64_t b) { return a + b < a ? ~0ULL : a + b; }

  /// In libCacheSim the age is the lowest weight but for that of `block`; here, of what may go.
  void raise_age(BlockId block, std::uint64_t if_alone) {
    const BlockId lowest = blocks_.evictable_but(block);
    age_ = lowest != BlockId::none() ? blocks_.rank(lowest).weight : if_alone;
  }

  Options options_;
  RankedBlocks<Rank> blocks_;
  std::uint64_t age_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace

std::unique_ptr<EvictionRecipe> lfu() { return eviction_recipe<Lfu>(); }

}  // namespace terrace::eviction
