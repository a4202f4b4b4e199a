#include "calibrate/labs/lab.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "kernels/cpu/cpu_set.hpp"
#include "tests/for_all.hpp"

namespace terrace::labs {
namespace {

using kernels::Element;
using ::testing::HasSubstr;
using tests::for_all;

LabRules small(AttentionKind attention, Element element) {
  LabRules rules;
  rules.shape.layers = 2;
  rules.shape.width = 64;
  rules.shape.attention = attention;
  rules.shape.heads = 2;
  rules.shape.kv_heads = 1;
  rules.shape.head_dim = 32;
  rules.shape.mlp = 96;
  rules.shape.vocabulary = 400;
  rules.shape.page = 8;
  rules.shape.element = element;
  rules.context = 96;
  rules.pool_blocks = 30;
  rules.step_tokens = 40;
  rules.tiers = {6, 60};
  rules.file = {testing::TempDir(), 4};
  return rules;
}

std::vector<Conversation> some_dialogues() { return make_dialogues({6, 2, 20, 12, 5}); }

Turn says(std::uint64_t content, std::int64_t tokens, std::int64_t answer) {
  return {{{content, Tokens{tokens}}}, answer, {}};
}

LabResult run(const LabRules& rules,
              const std::vector<Conversation>& dialogues = some_dialogues()) {
  kernels::CpuSet kernels(1);
  return run_lab(rules, dialogues, kernels);
}

struct Case {
  std::string name;
  AttentionKind attention;
  Element element;
};

class LabOfEachKind : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Labs, LabOfEachKind,
                         testing::Values(Case{"grouped", AttentionKind::grouped, Element::fp32},
                                         Case{"latent", AttentionKind::latent, Element::fp32},
                                         Case{"rounded", AttentionKind::grouped, Element::bf16}),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(LabOfEachKind, AnswersAreTheSameWhereverTheCacheIs) {
  LabRules rules = small(GetParam().attention, GetParam().element);
  rules.cache = CacheMode::off;
  const LabResult anew = run(rules);
  for (const CacheMode cache : {CacheMode::contiguous, CacheMode::paged, CacheMode::tiered}) {
    for (const Batching batching : {Batching::lists, Batching::continuous}) {
      for (const std::int64_t step_tokens : {7, 1000}) {
        rules.cache = cache;
        rules.batching = batching;
        rules.step_tokens = step_tokens;
        const LabResult result = run(rules);
        EXPECT_EQ(result.answers, anew.answers);
        EXPECT_EQ(result.checksum(), anew.checksum());
        // Not by doing the same thing.
        EXPECT_LT(result.computed, anew.computed / 4);
        EXPECT_EQ(result.tiers.size(), cache == CacheMode::tiered ? 2U : 0U);
        for (const TierCounts& tier : result.tiers) EXPECT_GT(tier.read, 0);
      }
    }
  }
}

TEST(Lab, NoRuleChangesAnAnswer) {
  LabRules plain = small(AttentionKind::grouped, Element::fp32);
  plain.cache = CacheMode::off;
  const LabResult expected = run(plain);
  for_all(
      [&] {
        LabRules rules = plain;
        rules.cache = *rc::gen::element(CacheMode::contiguous, CacheMode::paged, CacheMode::tiered);
        rules.batching = *rc::gen::element(Batching::lists, Batching::continuous);
        rules.shape.page = *rc::gen::inRange<std::int64_t>(1, 30);
        const std::int64_t longest = rules.shape.blocks_for(rules.context);
        rules.pool_blocks = longest + *rc::gen::inRange<std::int64_t>(0, 2 * longest);
        rules.most_at_once = *rc::gen::inRange<std::int64_t>(1, 8);
        rules.step_tokens = *rc::gen::inRange<std::int64_t>(1, 60);
        rules.tiers = {*rc::gen::inRange<std::int64_t>(1, longest),
                       *rc::gen::inRange<std::int64_t>(1, 4 * longest)};
        rules.tiers.resize(*rc::gen::inRange<std::size_t>(0, 3));
        RC_ASSERT(run(rules).answers == expected.answers);
      },
      15);
}

TEST(Lab, DialoguesAreAsLongAsAskedAndTheSameForASeed) {
  const DialogueRules rules{30, 3, 21, 8, 4};
  const auto all = make_dialogues(rules);
  ASSERT_EQ(all.size(), 30U);
  std::set<std::int64_t> lengths;
  std::set<std::uint64_t> contents;
  for (const Conversation& dialogue : all) {
    ASSERT_EQ(dialogue.size(), 3U);
    for (const Turn& turn : dialogue) {
      ASSERT_EQ(turn.says.size(), 1U);
      lengths.insert(turn.says[0].tokens.count());
      contents.insert(turn.says[0].content);
      EXPECT_TRUE(turn.answer >= 4 && turn.answer <= 12) << turn.answer;
    }
  }
  EXPECT_EQ(*lengths.begin(), 10);
  EXPECT_EQ(*lengths.rbegin(), 31);
  EXPECT_EQ(contents.size(), 90U);
  EXPECT_EQ(make_dialogues(rules)[29][2].says, all[29][2].says);
}

TEST(Lab, GreedyAnswersDoNotRunInCircles) {
  LabRules rules = small(AttentionKind::grouped, Element::bf16);
  rules.context = 400;
  rules.pool_blocks = 50;
  const std::vector<Conversation> one = {{says(1, 3, 300)}};
  const LabResult result = run(rules, one);
  const std::set<std::int32_t> different(result.answers[0].begin(), result.answers[0].end());
  EXPECT_EQ(result.answers[0].size(), 300U);
  EXPECT_GT(different.size(), 100U);
}

TEST(Lab, CountsWhatIsComputedByHand) {
  LabRules rules = small(AttentionKind::grouped, Element::fp32);
  const std::vector<Conversation> one = {{says(1, 3, 2), says(2, 5, 3)}};
  // Texts of 3 and 4, then of 10, 11 and 12 tokens.
  rules.cache = CacheMode::off;
  EXPECT_EQ(run(rules, one).computed, 3 + 4 + 10 + 11 + 12);
  EXPECT_EQ(run(rules, one).recomputed, 3 + 4 + 10 + 11);
  rules.cache = CacheMode::paged;
  EXPECT_EQ(run(rules, one).computed, 3 + 1 + 10 + 1 + 1);
  EXPECT_EQ(run(rules, one).recomputed, 4);
  EXPECT_EQ(run(rules, one).generated, 5);
  // 4 tokens fill no block of 8; but 9 do.
  rules.cache = CacheMode::tiered;
  EXPECT_EQ(run(rules, one).computed, 3 + 1 + 10 + 1 + 1);
  const std::vector<Conversation> longer = {{says(1, 3, 7), says(2, 5, 3)}};
  EXPECT_EQ(run(rules, longer).computed, 3 + 6 + (15 - 8) + 1 + 1);
  EXPECT_EQ(run(rules, longer).recomputed, 1);
  rules.cache = CacheMode::paged;
  EXPECT_EQ(run(rules, longer).computed, 3 + 6 + 15 + 1 + 1);
}

TEST(Lab, CountsWhatMovesByHand) {
  LabRules rules = small(AttentionKind::grouped, Element::fp32);
  rules.cache = CacheMode::tiered;
  rules.most_at_once = 1;
  rules.pool_blocks = 3;
  rules.tiers = {4};
  // Texts of 20 tokens and more fill two blocks and take a third: of the two dialogues, which take
  // turns, either drives the other's out, which are written once, and come back for its next turn.
  const std::vector<Conversation> two = {{says(1, 18, 3), says(2, 1, 1)},
                                         {says(3, 18, 3), says(4, 1, 1)}};
  const LabResult result = run(rules, two);
  ASSERT_EQ(result.tiers.size(), 1U);
  EXPECT_EQ(result.tiers[0].written, 4);
  EXPECT_EQ(result.tiers[0].read, 4);
  EXPECT_EQ(result.tiers[0].skipped, 0);
  EXPECT_EQ(result.computed, 2 * (18 + 2 + 22 - 16));
  EXPECT_EQ(result.most_reserved, rules.shape.block_bytes() * 3);
  EXPECT_GT(result.moves, Duration::zero());
}

TEST(Lab, ContiguousCachesReserveTheLongestText) {
  LabRules rules = small(AttentionKind::grouped, Element::fp32);
  rules.cache = CacheMode::contiguous;
  const LabResult contiguous = run(rules);
  const std::int64_t each = rules.shape.blocks_for(rules.context);
  EXPECT_EQ(contiguous.most_reserved,
            rules.shape.block_bytes() * (rules.pool_blocks / each * each));
  rules.cache = CacheMode::paged;
  const LabResult paged = run(rules);
  EXPECT_GT(paged.used, contiguous.used);
  EXPECT_LT(paged.step_count, contiguous.step_count);  // as more are served at once
}

TEST(Lab, ContinuousBatchingTakesFewerSteps) {
  LabRules rules = small(AttentionKind::grouped, Element::fp32);
  rules.most_at_once = 3;
  rules.batching = Batching::lists;
  const std::int64_t by_lists = run(rules).step_count;
  rules.batching = Batching::continuous;
  EXPECT_LT(run(rules).step_count, by_lists);
}

TEST(Lab, WhoHasNoRoomIsTold) {
  LabRules rules = small(AttentionKind::grouped, Element::fp32);
  const auto why = [&](const std::vector<Conversation>& dialogues) -> std::string {
    try {
      run(rules, dialogues);
    } catch (const DoesNotFit& e) {
      return e.what();
    }
    return "";
  };
  const std::vector<Conversation> one = {{says(1, 3, 90)}};
  EXPECT_EQ(why(one), "");
  rules.context = 92;
  EXPECT_THAT(why(one), HasSubstr("93 tokens long, and the context has 92"));
  rules.context = 96;
  rules.pool_blocks = 4;
  EXPECT_THAT(why(one), HasSubstr("more than the 4 blocks that there are: give the pool"));
  rules.cache = CacheMode::contiguous;
  EXPECT_THAT(why({{says(1, 3, 2)}}), HasSubstr("every request reserves 96 tokens"));
}

}  // namespace
}  // namespace terrace::labs
