#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"
#include "sim/kv/admission/policy.hpp"
#include "tests/kv/still_facts.hpp"

namespace terrace {
namespace {

using namespace literals;

struct Chosen {
  config::Choice<AdmissionRecipe> rule;
};

void describe(config::Fields& f, Chosen& chosen) { f.choice("rule", chosen.rule, "a rule"); }

std::unique_ptr<AdmissionRule> make(const std::string& yaml, const StillFacts& facts,
                                    AdmissionContext context = {}) {
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_yaml("r.yaml", "rule: " + yaml, diagnostics);
  Chosen chosen;
  config::Reader(root, "the rule", {}, diagnostics).read(chosen);
  EXPECT_EQ(diagnostics.render(), "");
  context.facts = &facts;
  return chosen.rule.recipe().make(context);
}

std::size_t remembered(const AdmissionRule& rule) {
  std::size_t count = 0;
  rule.for_each_remembered([&](ContentId) { ++count; });
  return count;
}

constexpr ContentId kA{1};
constexpr ContentId kB{2};
constexpr ContentId kC{3};

TEST(Admission, AlwaysAndNever) {
  const StillFacts facts;
  EXPECT_TRUE(make("always", facts)->admits(kA));
  EXPECT_FALSE(make("never", facts)->admits(kA));
}

TEST(Admission, MinTokensAsksForTheLastUsersPrompt) {
  StillFacts facts;
  const auto rule = make("{policy: min_tokens, tokens: 100}", facts);
  EXPECT_FALSE(rule->admits(kA)) << "nobody has used it";
  facts.uses[kA].context = 99_tok;
  facts.uses[kB].context = 100_tok;
  EXPECT_FALSE(rule->admits(kA));
  EXPECT_TRUE(rule->admits(kB));
}

/// Computing n tokens takes n ms, loading them 50 + n / 2 ms.
TEST(Admission, BreakEvenComparesTheWholePrefix) {
  StillFacts facts;
  AdmissionContext context;
  context.block_size = 10_tok;
  context.recompute = [](Tokens n) { return std::chrono::milliseconds(n.count()); };
  context.reload = [](Tokens n) { return std::chrono::milliseconds(50 + n.count() / 2); };
  const auto rule = make("break_even", facts, context);
  for (std::int64_t position = 0; position < 30; ++position) {
    facts.positions[kA] = position;  // n > 50 + n / 2 from n = 110 on
    EXPECT_EQ(rule->admits(kA), position >= 10) << position;
  }
  const auto strict = make("{policy: break_even, factor: 1.5}", facts, context);
  for (std::int64_t position = 0; position < 60; ++position) {
    facts.positions[kA] = position;  // n > 1.5 (50 + n / 2) from n = 310 on
    EXPECT_EQ(strict->admits(kA), position >= 30) << position;
  }
}

// --- second_touch --------------------------------------------------------------------------------

TEST(SecondTouch, TheSecondOfferWithinAWindowIsTaken) {
  StillFacts facts;
  const auto rule = make("second_touch", facts);
  EXPECT_FALSE(rule->admits(kA));
  EXPECT_FALSE(rule->admits(kB));
  EXPECT_TRUE(rule->admits(kA));
  EXPECT_TRUE(rule->admits(kA)) << "and all after it";
  EXPECT_EQ(remembered(*rule), 2U);
}

/// All counts lose one at 600 s, 1200 s and so on.
TEST(SecondTouch, CountsFade) {
  StillFacts facts;
  const auto rule = make("second_touch", facts);
  facts.time = SimTime{599s};
  EXPECT_FALSE(rule->admits(kA));
  facts.time = SimTime{600s};
  EXPECT_FALSE(rule->admits(kA)) << "it was forgotten a moment ago";
  facts.time = SimTime{1199s};
  EXPECT_TRUE(rule->admits(kA));
  facts.time = SimTime{2399s};
  EXPECT_FALSE(rule->admits(kA)) << "two windows have taken its two";
}

TEST(SecondTouch, CountsAsFarAsItIsTold) {
  StillFacts facts;
  const auto touches = make("{policy: second_touch, n: 4}", facts);
  const auto doubling = make("{policy: second_touch, n: 4, count: doubling}", facts);
  std::string taken;
  for (int i = 0; i < 5; ++i) {
    taken += touches->admits(kA) ? 't' : '.';
    taken += doubling->admits(kA) ? 'd' : '.';
  }
  EXPECT_EQ(taken, ".....dtdtd") << "1 2 3 4 5 against 1 2 4 8 16";
}

TEST(SecondTouch, RemembersNoMoreThanItMay) {
  StillFacts facts;
  const auto rule = make("{policy: second_touch, max_tracked: 2}", facts);
  EXPECT_FALSE(rule->admits(kA));
  EXPECT_TRUE(rule->admits(kA));
  EXPECT_FALSE(rule->admits(kB));
  EXPECT_FALSE(rule->admits(kC)) << "one too many: all lose one, a keeps one";
  EXPECT_EQ(remembered(*rule), 1U);
  EXPECT_FALSE(rule->admits(kB));
  EXPECT_TRUE(rule->admits(kA));
}

/// The filter as one would write it down: a table, and a clock that ticks once in each window.
class SlowFilter {
 public:
  SlowFilter(bool doubling, std::int64_t n, std::int64_t most)
      : doubling_(doubling), n_(n), most_(most) {}

  void window_ends() {
    for (auto i = counts_.begin(); i != counts_.end();) {
      i = --i->second == 0 ? counts_.erase(i) : std::next(i);
    }
  }
  bool offer(ContentId content) {
    std::int64_t& count = counts_[content];
    count = count == 0 ? 1 : doubling_ ? 2 * count : count + 1;
    count = std::min(count, kMost);
    const bool taken = count >= n_;
    while (static_cast<std::int64_t>(counts_.size()) > most_) window_ends();
    return taken;
  }
  [[nodiscard]] std::size_t size() const { return counts_.size(); }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 60U;  // more than there are windows

  bool doubling_;
  std::int64_t n_;
  std::int64_t most_;
  std::map<ContentId, std::int64_t> counts_;
};

TEST(SecondTouch, AgreesWithTheObviousFilter) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed, "second touch");
    const bool doubling = random.below(2) == 0;
    const auto n = static_cast<std::int64_t>(2 + random.below(4));
    const auto most = static_cast<std::int64_t>(1 + random.below(30));
    const auto contents = 1 + random.below(60);
    const Duration window{static_cast<std::int64_t>(1 + random.below(50))};
    StillFacts facts;
    const auto rule = make(
        fmt::format("{{policy: second_touch, n: {}, max_tracked: {}, window: {} ps, count: {}}}", n,
                    most, window.count(), doubling ? "doubling" : "touches"),
        facts);
    SlowFilter slow(doubling, n, most);
    for (int i = 0; i < 500; ++i) {
      for (std::uint64_t ps = random.below(3) == 0 ? random.below(80) : 0; ps > 0; --ps) {
        facts.time += Duration{1};
        if (facts.time.time_since_epoch() % window == Duration{}) slow.window_ends();
      }
      const ContentId content{random.below(contents)};
      ASSERT_EQ(rule->admits(content), slow.offer(content)) << "seed " << seed << ", offer " << i;
      ASSERT_EQ(remembered(*rule), slow.size());
    }
  }
}

}  // namespace
}  // namespace terrace
