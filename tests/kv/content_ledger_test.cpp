#include "sim/kv/content_ledger.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/des/event_loop.hpp"

namespace terrace {
namespace {

using namespace literals;

constexpr FactNeeds kAll = FactNeeds::time | FactNeeds::sequence | FactNeeds::use |
                           FactNeeds::recompute | FactNeeds::queue | FactNeeds::future;

struct Known {
  explicit Known(FactNeeds needs = kAll, Tokens block = 16_tok)
      : contents(block), ledger(loop, contents, needs, [this](Tokens n) {
          ++asked;
          return Duration{n.count() * n.count()};
        }) {}

  std::vector<ContentId> text(std::uint64_t content, std::int64_t tokens) {
    std::vector<ContentId> ids;
    contents.append({}, content, Tokens{tokens}, ids);
    return ids;
  }

  EventLoop loop;
  ContentTable contents;
  ContentLedger ledger;
  int asked = 0;
};

TEST(ContentLedger, PositionsAndNeighboursCountThePoolsBlocks) {
  Known k;
  const auto a = k.text(1, 16 * 8);
  const BlockFacts& one = k.ledger.view(1);
  const BlockFacts& four = k.ledger.view(4);
  EXPECT_EQ(&one, &k.ledger.view(1));
  EXPECT_EQ(one.position(a[5]), 5);
  EXPECT_EQ(one.before(a[5]), a[4]);
  EXPECT_EQ(one.before(a[0]), ContentId::none());
  EXPECT_EQ(four.position(a[7]), 1);
  EXPECT_EQ(four.before(a[7]), a[3]);
  EXPECT_EQ(four.before(a[3]), ContentId::none());
  for (const BlockFacts* facts : {&one, &four}) {
    EXPECT_EQ(facts->position(ContentId::none()), 0);
    EXPECT_EQ(facts->before(ContentId::none()), ContentId::none());
    EXPECT_EQ(facts->recompute(ContentId::none()), Duration::zero());
    EXPECT_FALSE(facts->wanted(ContentId::none()));
    EXPECT_EQ(facts->next_use(ContentId::none()), BlockFacts::kNever);
    EXPECT_EQ(facts->use(ContentId::none()).session, BlockUse::kNoSession);
  }
}

/// Of n tokens, n^2 ps.
TEST(ContentLedger, RecomputingIsTheDifferenceOfTwoPrefillsAndAskedOnce) {
  Known k;
  const auto a = k.text(1, 16 * 8);
  EXPECT_EQ(k.ledger.view(1).recompute(a[0]), Duration{16 * 16});
  EXPECT_EQ(k.ledger.view(1).recompute(a[2]), Duration{48 * 48 - 32 * 32});
  EXPECT_EQ(k.ledger.view(4).recompute(a[7]), Duration{128 * 128 - 64 * 64});
  const int asked = k.asked;
  EXPECT_EQ(k.ledger.view(4).recompute(a[7]), Duration{128 * 128 - 64 * 64});
  EXPECT_EQ(k.asked, asked);
}

TEST(ContentLedger, TheLastUserCounts) {
  Known k;
  const auto a = k.text(1, 16 * 3);
  BlockUse use;
  use.session = 7;
  use.context = 48_tok;
  k.ledger.used(a, use, {});
  use.session = 8;
  use.tool_call = true;
  k.ledger.used(std::span(a).first(2), use, {});
  EXPECT_EQ(k.ledger.view(1).use(a[0]).session, 8U);
  EXPECT_TRUE(k.ledger.view(1).use(a[1]).tool_call);
  EXPECT_EQ(k.ledger.view(1).use(a[2]).session, 7U);
  EXPECT_EQ(k.ledger.view(1).use(a[2]).priority, 35);
}

/// The cases of TensorRT-LLM's KvCacheRetentionConfigTest.BlockConfigTest: a block has the priority
/// of the range that its first token lies in.
TEST(ContentLedger, ABlockHasThePriorityOfItsFirstToken) {
  const auto priorities = [](Tokens block, std::int64_t tokens,
                             const std::vector<Retention>& rules) {
    Known k(FactNeeds::use, block);
    const auto a = k.text(1, tokens);
    k.ledger.used(a, {}, rules);
    std::vector<int> all;
    for (const ContentId content : a) all.push_back(k.ledger.view(1).use(content).priority);
    return all;
  };
  using All = std::vector<int>;
  EXPECT_EQ(priorities(64_tok, 256, {{0_tok, 64_tok, 80}, {64_tok, 128_tok, 50}}),
            (All{80, 50, 35, 35}));
  EXPECT_EQ(priorities(32_tok, 128, {{0_tok, 63_tok, 80}, {63_tok, 127_tok, 30}}),
            (All{80, 80, 30, 30}));
  EXPECT_EQ(priorities(32_tok, 128, {{0_tok, 1_tok, 80}, {1_tok, 2_tok, 5}}),
            (All{80, 35, 35, 35}));
  EXPECT_EQ(priorities(32_tok, 128, {{0_tok, Tokens::max(), 10}, {32_tok, 96_tok, 90}}),
            (All{10, 90, 90, 10}))
      << "where rules overlap, the last one counts";
}

TEST(ContentLedger, RetentionEndsWithTheNextUse) {
  Known k;
  const auto a = k.text(1, 16);
  const std::vector<Retention> rules = {{0_tok, Tokens::max(), 90, 5s}};
  k.ledger.used(a, {}, rules);
  EXPECT_EQ(k.ledger.view(1).use(a[0]).priority, 90);
  EXPECT_EQ(k.ledger.view(1).use(a[0]).retention, Duration{5s});
  k.ledger.used(a, {}, {});
  EXPECT_EQ(k.ledger.view(1).use(a[0]).priority, 35);
  EXPECT_EQ(k.ledger.view(1).use(a[0]).retention, Duration::zero());
}

TEST(ContentLedger, ABlockIsWantedWhileAnyoneWaitsForIt) {
  Known k;
  const auto a = k.text(1, 16 * 2);
  const BlockFacts& facts = k.ledger.view(1);
  k.ledger.queued(a);
  k.ledger.queued(std::span(a).first(1));
  k.ledger.unqueued(a);
  EXPECT_TRUE(facts.wanted(a[0]));
  EXPECT_FALSE(facts.wanted(a[1]));
  k.ledger.unqueued(std::span(a).first(1));
  EXPECT_FALSE(facts.wanted(a[0]));
}

TEST(ContentLedger, UsesToComePassInOrder) {
  Known k;
  const auto a = k.text(1, 16);
  const auto b = k.text(2, 16);
  const auto c = k.text(3, 16);
  k.ledger.foresee({a, b, a, {}, a});
  const BlockFacts& facts = k.ledger.view(1);
  const auto next = [&] {
    return std::vector<std::uint64_t>{facts.next_use(a[0]), facts.next_use(b[0]),
                                      facts.next_use(c[0])};
  };
  using Next = std::vector<std::uint64_t>;
  constexpr std::uint64_t kNever = BlockFacts::kNever;
  EXPECT_EQ(next(), (Next{0, 1, kNever}));
  k.ledger.met(1);  // it overtook the first one
  EXPECT_EQ(next(), (Next{0, kNever, kNever}));
  k.ledger.met(0);
  EXPECT_EQ(next(), (Next{2, kNever, kNever}));
  k.ledger.met(2);
  k.ledger.met(2);  // admitted again after a preemption
  EXPECT_EQ(next(), (Next{4, kNever, kNever}));
  k.ledger.met(3);
  k.ledger.met(4);
  EXPECT_EQ(next(), (Next{kNever, kNever, kNever}));
}

TEST(ContentLedger, WhatNobodyAsksForIsNotKept) {
  Known k(FactNeeds::none);
  const auto a = k.text(1, 16);
  BlockUse use;
  use.session = 7;
  k.ledger.used(a, use, {});
  k.ledger.queued(a);
  EXPECT_EQ(k.ledger.view(1).use(a[0]).session, BlockUse::kNoSession);
  EXPECT_FALSE(k.ledger.view(1).wanted(a[0]));
}

}  // namespace
}  // namespace terrace
