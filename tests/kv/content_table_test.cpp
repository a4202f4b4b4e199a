#include "sim/kv/content_table.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"

namespace terrace {
namespace {

using namespace literals;

struct Span {
  std::uint64_t content = 0;
  std::int64_t tokens = 0;

  friend auto operator<=>(const Span&, const Span&) = default;
};

using Text = std::vector<Span>;

std::vector<ContentId> intern(ContentTable& table, const Text& text) {
  std::vector<ContentId> blocks;
  ContentTable::Tip tip;
  for (const Span& span : text) tip = table.append(tip, span.content, Tokens{span.tokens}, blocks);
  return blocks;
}

std::vector<std::size_t> indices(const std::vector<ContentId>& blocks) {
  std::vector<std::size_t> all;
  all.reserve(blocks.size());
  for (const ContentId block : blocks) all.push_back(block.index());
  return all;
}

using Indices = std::vector<std::size_t>;

TEST(ContentTable, TheSameTextIsTheSameBlocks) {
  ContentTable table(16_tok);
  const Text text{{1, 40}, {2, 24}};
  const auto blocks = intern(table, text);
  EXPECT_EQ(blocks.size(), 4U);
  EXPECT_EQ(intern(table, text), blocks);
}

TEST(ContentTable, ABlockIsAllTextBeforeItsEnd) {
  ContentTable table(16_tok);
  const auto ab = intern(table, {{1, 32}, {2, 32}});
  const auto cb = intern(table, {{3, 32}, {2, 32}});
  const auto ac = intern(table, {{1, 32}, {3, 32}});
  EXPECT_EQ(indices(ab), (Indices{0, 1, 2, 3}));
  EXPECT_EQ(indices(cb), (Indices{4, 5, 6, 7}));
  EXPECT_EQ(indices(ac), (Indices{0, 1, 8, 9}));
}

/// The third block holds the end of one stretch and the beginning of the next.
TEST(ContentTable, ABlockThatStraddlesStretchesBelongsToTheOneThatEndsIt) {
  ContentTable table(16_tok);
  const auto longer = intern(table, {{1, 40}, {2, 8}});
  const auto other = intern(table, {{1, 40}, {3, 8}});
  EXPECT_EQ(indices(longer), (Indices{0, 1, 2}));
  EXPECT_EQ(indices(other), (Indices{0, 1, 3}));
}

TEST(ContentTable, AnIncompleteBlockHasNoId) {
  ContentTable table(16_tok);
  EXPECT_TRUE(intern(table, {{1, 15}}).empty());
  EXPECT_EQ(table.size(), 0U);
}

TEST(ContentTable, StretchesShorterThanABlockCompleteItTogether) {
  ContentTable table(16_tok);
  const auto first = intern(table, {{1, 6}, {2, 6}, {3, 6}, {4, 6}, {5, 10}});
  const auto second = intern(table, {{1, 6}, {2, 6}, {3, 6}, {4, 6}, {5, 10}});
  const auto third = intern(table, {{1, 6}, {7, 6}, {3, 6}, {4, 6}, {5, 10}});
  EXPECT_EQ(indices(first), (Indices{0, 1}));
  EXPECT_EQ(second, first);
  EXPECT_EQ(indices(third), (Indices{2, 3}));
  EXPECT_EQ(table.position(third[1]), 1);
  EXPECT_EQ(table.before(third[1], 1), third[0]);
}

TEST(ContentTable, BlocksKnowTheirPlace) {
  ContentTable table(16_tok);
  const auto blocks = intern(table, {{1, 40}, {2, 3}, {3, 3}, {4, 100}, {5, 16}});
  ASSERT_EQ(blocks.size(), 10U);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(table.position(blocks[i]), static_cast<std::int64_t>(i));
    for (std::size_t back = 0; back <= i; ++back) {
      EXPECT_EQ(table.before(blocks[i], static_cast<std::int64_t>(back)), blocks[i - back]);
    }
  }
}

TEST(ContentTable, CollectKeepsWhatIsMarkedAndAllBeforeIt) {
  ContentTable table(16_tok);
  const auto kept = intern(table, {{1, 32}, {2, 8}, {3, 40}});
  const auto gone = intern(table, {{1, 32}, {4, 64}});
  table.collect([&](auto mark) { mark(kept.back()); });
  EXPECT_EQ(intern(table, {{1, 32}, {2, 8}, {3, 40}}), kept);
  const auto fresh = intern(table, {{9, 64}});
  EXPECT_EQ(fresh, std::vector(gone.begin() + 2, gone.end())) << "ids that nobody holds are reused";
  EXPECT_EQ(table.size(), kept.size() + 4);
}

TEST(ContentTable, CollectingAnEmptyTableIsNothing) {
  ContentTable table(16_tok);
  table.collect([](auto) {});
  EXPECT_EQ(indices(intern(table, {{1, 16}})), (Indices{0}));
}

/// A sliding window of live texts over a million that never come back.
TEST(ContentTableSlow, MemoryFollowsWhatIsLiveNotWhatHasBeen) {
  constexpr std::size_t kLive = 500;
  ContentTable table(16_tok);
  Random random(1, "content table");
  std::vector<std::vector<ContentId>> live(kLive);
  std::size_t collections = 0;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    const auto tokens = static_cast<std::int64_t>(random.below(320));
    live[i % kLive] = intern(table, {{i, tokens}});
    if (!table.collection_due()) continue;
    ++collections;
    table.collect([&](auto mark) {
      for (const auto& blocks : live) {
        if (!blocks.empty()) mark(blocks.back());
      }
    });
  }
  EXPECT_GT(collections, 50U);
  EXPECT_LT(collections, 1000U);
  EXPECT_LT(table.size(), 200'000U);
}

/// Stretches without a full block take memory as well, so they have to make a collection due.
TEST(ContentTable, StretchesWithoutABlockAreCollected) {
  ContentTable table(16_tok);
  std::uint64_t i = 0;
  for (; i < 1'000'000 && !table.collection_due(); ++i) intern(table, {{i, 3}});
  EXPECT_TRUE(table.collection_due());
  table.collect([](auto) {});
  EXPECT_FALSE(table.collection_due());
}

/// The obvious table: a block is the text that begins with the sequence and ends with it.
class Naive {
 public:
  explicit Naive(std::int64_t block) : block_(block) {}

  using Key = std::pair<Text, std::int64_t>;  // stretches up to the block's last token; its place

  [[nodiscard]] std::vector<Key> keys(const Text& text) const {
    std::vector<Key> all;
    Text past;
    std::int64_t end = 0;
    for (const Span& span : text) {
      past.push_back(span);
      const std::int64_t first = end / block_;
      end += span.tokens;
      for (std::int64_t b = first; b < end / block_; ++b) all.emplace_back(past, b);
    }
    return all;
  }

  /// What the table gave for `key` agrees with all that it has given before.
  void expect(const Key& key, ContentId id) {
    const auto known = ids_.find(key);
    if (known != ids_.end()) {
      EXPECT_EQ(known->second, id) << "the same text has another id";
      return;
    }
    EXPECT_TRUE(used_.insert(id).second) << "another text has the same id";
    ids_.emplace(key, id);
  }

  [[nodiscard]] std::size_t size() const { return ids_.size(); }

  void keep(const std::vector<Text>& pasts) {
    for (auto i = ids_.begin(); i != ids_.end();) {
      const Text& past = i->first.first;
      const bool live = std::any_of(pasts.begin(), pasts.end(), [&](const Text& t) {
        return t.size() >= past.size() && std::equal(past.begin(), past.end(), t.begin());
      });
      if (!live) used_.erase(i->second);
      i = live ? std::next(i) : ids_.erase(i);
    }
  }

 private:
  std::int64_t block_;
  std::map<Key, ContentId> ids_;
  std::set<ContentId> used_;
};

void live_randomly(std::uint64_t seed) {
  Random random(seed, "content table against the naive one");
  const auto block = static_cast<std::int64_t>(1 + random.below(9));
  ContentTable table{Tokens{block}};
  Naive naive(block);
  std::vector<Text> texts;
  for (int step = 0; step < 400; ++step) {
    // A text of its own, or one that goes on from another.
    Text text;
    if (!texts.empty() && random.below(3) > 0) {
      text = texts[random.below(texts.size())];
      text.resize(random.below(text.size() + 1));
    }
    for (std::uint64_t more = random.below(4); more > 0; --more) {
      text.push_back({random.below(5), static_cast<std::int64_t>(random.below(27))});
    }
    const auto keys = naive.keys(text);
    const auto blocks = intern(table, text);
    ASSERT_EQ(blocks.size(), keys.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      naive.expect(keys[i], blocks[i]);
      ASSERT_EQ(table.position(blocks[i]), keys[i].second);
      const std::size_t back = random.below(i + 1);
      ASSERT_EQ(table.before(blocks[i], static_cast<std::int64_t>(back)), blocks[i - back]);
    }
    texts.push_back(text);

    if (random.below(25) > 0) continue;
    std::erase_if(texts, [&](const Text&) { return random.below(2) == 0; });
    std::vector<ContentId> marked;
    std::vector<Text> pasts;
    for (const Text& kept : texts) {
      const auto ids = intern(table, kept);
      const auto places = naive.keys(kept);
      for (std::size_t i = 0; i < ids.size(); ++i) naive.expect(places[i], ids[i]);
      if (ids.empty()) continue;
      const std::size_t which = random.below(ids.size());
      marked.push_back(ids[which]);
      pasts.push_back(places[which].first);
    }
    table.collect([&](auto mark) { std::for_each(marked.begin(), marked.end(), mark); });
    naive.keep(pasts);
  }
  EXPECT_GE(table.size(), naive.size());
}

TEST(ContentTableSlow, AgreesWithTheNaiveTableThroughCollections) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    live_randomly(seed);
    if (HasFailure()) break;
  }
}

TEST(ContentTable, FreeIdsAreThoseOfNoContent) {
  ContentTable table(Tokens{16});
  std::vector<ContentId> kept;
  std::vector<ContentId> lost;
  table.append({}, 1, Tokens{16 * 3}, kept);
  table.append({}, 2, Tokens{16 * 4}, lost);
  const auto free = [&table] {
    std::vector<ContentId> ids;
    table.for_each_free([&ids](ContentId id) { ids.push_back(id); });
    return ids;
  };
  EXPECT_TRUE(free().empty());
  table.collect([&](FunctionRef<void(ContentId)> mark) { mark(kept[0]); });
  EXPECT_EQ(free(), lost);
  std::vector<ContentId> fresh;
  table.append({}, 3, Tokens{16}, fresh);
  EXPECT_EQ(fresh[0], lost[0]);
  EXPECT_EQ(free(), (std::vector<ContentId>(lost.begin() + 1, lost.end())));
}

}  // namespace
}  // namespace terrace
