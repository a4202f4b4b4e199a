#include "sim/study/mrc/replay.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr std::uint32_t kNoMore = 0xFFFFFFFF;
constexpr std::size_t kAhead = 8;  // accesses, to have the index in the processor's cache

/// The world at one access of the replay.
class ReplayFacts final : public BlockFacts {
 public:
  ReplayFacts(const BlockStream& stream, const std::vector<std::uint32_t>* next)
      : stream_(stream), next_(next), next_of_(next == nullptr ? 0 : stream.contents, kNoMore) {}

  void at(SimTime now) { now_ = now; }
  void pass(std::uint64_t access) {
    if (next_ != nullptr) next_of_[stream_.accesses[access].index()] = (*next_)[access];
  }

  [[nodiscard]] SimTime now() const override { return now_; }
  [[nodiscard]] std::int64_t position(ContentId content) const override {
    return known(content) ? stream_.table.position(content) : 0;
  }
  [[nodiscard]] ContentId before(ContentId content) const override {
    if (position(content) == 0) return ContentId::none();
    return stream_.table.before(content, 1);
  }
  [[nodiscard]] std::uint64_t next_use(ContentId content) const override {
    if (content.index() >= next_of_.size() || next_of_[content.index()] == kNoMore) return kNever;
    return next_of_[content.index()];
  }
  [[nodiscard]] const BlockUse& use(ContentId) const override { return nobody_; }
  [[nodiscard]] Duration recompute(ContentId) const override { return {}; }
  [[nodiscard]] bool wanted(ContentId) const override { return false; }

 private:
  [[nodiscard]] bool known(ContentId content) const {
    return content.index() < stream_.table.size();
  }

  const BlockStream& stream_;
  const std::vector<std::uint32_t>* next_;
  std::vector<std::uint32_t> next_of_;
  SimTime now_{};
  BlockUse nobody_;
};

/// Where each content is, if it is there.
class Cache {
 public:
  Cache(std::size_t contents, std::int64_t capacity, std::unique_ptr<EvictionPolicy> policy)
      : policy_(std::move(policy)),
        block_of_(contents, BlockId::none()),
        content_of_(std::min(contents, static_cast<std::size_t>(capacity))) {}

  void expect(ContentId content) const { __builtin_prefetch(&block_of_[content.index()]); }

  /// Whether it was there; it is now, if the policy wants it.
  bool access(ContentId content) {
    const BlockId found = block_of_[content.index()];
    if (found != BlockId::none()) {
      policy_->on_access(found);
      return true;
    }
    BlockId block{used_};
    if (used_ < content_of_.size()) {
      ++used_;
    } else {
      if (!policy_->admits(content)) return false;
      block = policy_->victim(content);
      TERRACE_CHECK(block.index() < used_);
      block_of_[content_of_[block.index()].index()] = BlockId::none();
      policy_->on_evict(block);
    }
    block_of_[content.index()] = block;
    content_of_[block.index()] = content;
    policy_->on_insert(block, content);
    policy_->on_unpin(block);
    return false;
  }

 private:
  std::unique_ptr<EvictionPolicy> policy_;
  std::vector<BlockId> block_of_;
  std::vector<ContentId> content_of_;
  std::size_t used_ = 0;
};

}  // namespace

std::string lacking_facts(FactNeeds needs) {
  constexpr std::array<std::pair<FactNeeds, std::string_view>, 3> kFacts{
      {{FactNeeds::use, "who uses a block"},
       {FactNeeds::recompute, "what a block costs to recompute"},
       {FactNeeds::queue, "which blocks the queue waits for"}}};
  std::string all;
  for (const auto& [fact, what] : kFacts) {
    if (any_of(needs, fact)) (all += all.empty() ? "" : " and ") += what;
  }
  return all;
}

std::vector<std::uint32_t> next_accesses(const BlockStream& stream) {
  TERRACE_CHECK(stream.accesses.size() < kNoMore);
  std::vector<std::uint32_t> next(stream.accesses.size());
  std::vector<std::uint32_t> seen(stream.contents, kNoMore);
  for (std::size_t i = next.size(); i-- > 0;) {
    next[i] = std::exchange(seen[stream.accesses[i].index()], static_cast<std::uint32_t>(i));
  }
  return next;
}

std::optional<HitCounts> replay(const BlockStream& stream, const EvictionRecipe& recipe,
                                const ReplayOptions& options, StudyProgress proceed) {
  TERRACE_CHECK(lacking_facts(recipe.needs()).empty());
  TERRACE_CHECK(options.next != nullptr || !any_of(recipe.needs(), FactNeeds::future));
  HitCounts hits;
  if (options.capacity <= 0) return hits;
  ReplayFacts facts(stream, options.next);
  Cache cache(stream.contents, options.capacity,
              recipe.make({options.capacity, &facts, options.random, stream.block_size}));
  const std::vector<ContentId>& accesses = stream.accesses;
  std::uint64_t i = 0;
  std::uint64_t told = 0;
  const auto access = [&] {
    if (i + kAhead < accesses.size()) cache.expect(accesses[i + kAhead]);
    facts.pass(i);
    return cache.access(accesses[i]);
  };
  for (const BlockStream::Request& request : stream.requests) {
    facts.at(request.arrived);
    bool usable = true;
    for (; i < request.reads_end; ++i) {
      const bool hit = access();
      usable = usable && hit;
      const bool last = i + 1 == request.reads_end;
      const Tokens tokens = last ? request.last_read : stream.block_size;
      hits.blocks += hit ? 1 : 0;
      hits.tokens += hit ? tokens : Tokens{};
      hits.usable_blocks += usable ? 1 : 0;
      hits.usable_tokens += usable ? tokens : Tokens{};
    }
    for (; i < request.end; ++i) access();
    if (i - told < kAccessesBetweenQuestions) continue;
    if (!proceed(i - told)) return std::nullopt;
    told = i;
  }
  return hits;
}

}  // namespace terrace
