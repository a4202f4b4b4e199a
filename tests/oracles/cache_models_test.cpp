// The models against sequences worked by hand from the papers, and against the misses that
// libCacheSim counted on a recorded trace.

#include "tests/oracles/cache_models.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/oracles/access_streams.hpp"

namespace terrace::oracle {
namespace {

/// For each access to a letter: + for a hit, - for a miss that evicts nothing, or what it evicted.
std::string replay(std::string_view policy, std::size_t capacity, std::string_view letters,
                   CacheModelParams params = {}) {
  const Accesses accesses(letters.begin(), letters.end());
  params.future = accesses;
  const auto model = make_cache_model(policy, capacity, params);
  std::string outcome;
  for (const std::uint64_t access : accesses) {
    const bool hit = model->access(access);
    outcome += hit ? '+' : static_cast<char>(model->last_victim().value_or('-'));
  }
  return outcome;
}

TEST(CacheModels, OneQueue) {
  EXPECT_EQ(replay("fifo", 3, "abcadba"), "---+a+b");
  EXPECT_EQ(replay("lru", 3, "abcadb"), "---+bc");
  EXPECT_EQ(replay("mru", 3, "abcadb"), "---+a+");
}

TEST(CacheModels, SieveKeepsSurvivorsInPlace) {
  // e passes over a, f over c; then CLOCK, having moved a before e, finds a, and SIEVE finds e.
  EXPECT_EQ(replay("clock", 4, "abcdacefg"), "----++bda");
  EXPECT_EQ(replay("sieve", 4, "abcdacefg"), "----++bde");
}

TEST(CacheModels, LfuForgetsOnEviction) {
  for (const auto* policy : {"lfu", "lfu_recency"}) {
    EXPECT_EQ(replay(policy, 3, "abcde"), "---ab") << policy;
    EXPECT_EQ(replay(policy, 3, "aabbcdac"), "-+-+-c+d") << policy;
    EXPECT_EQ(replay(policy, 2, "bbbaaaacbbd"), "-++-+++bc+b") << policy;
  }
}

TEST(CacheModels, AgeingLetsOldFavouritesGo) {
  CacheModelParams textbook;
  textbook.compound_age = false;
  // After b went with key 1, c enters with 1 + 1 and so ties with a, which is older.
  EXPECT_EQ(replay("gdsf", 2, "aabcd"), "-+-ba");
  EXPECT_EQ(replay("lfuda", 2, "aabcd", textbook), "-+-ba");
  EXPECT_EQ(replay("lfu", 2, "aabcd"), "-+-bc");
  // Keys: a 1 + 0, b 1, c 2, d 3, c 2 + 2.
  EXPECT_EQ(replay("lfuda", 2, "aabcdce"), "-+-ab+d");
}

TEST(CacheModels, Lru2GoesByTheLastButOneReference) {
  CacheModelParams params;
  EXPECT_EQ(replay("lru_k", 2, "abacbd", params), "--+bca");
  params.history = 0;
  EXPECT_EQ(replay("lru_k", 2, "abacbd", params), "--+bcb");
  // One place remembers what was evicted last: c, when b comes back.
  params.history = 1;
  EXPECT_EQ(replay("lru_k", 2, "abacbd", params), "--+bcb");
}

TEST(CacheModels, BeladyKeepsWhatIsUsedSoonest) {
  CacheModelParams params;
  EXPECT_EQ(replay("belady", 2, "abcab", params), "--b+c");
  params.bypass = true;
  EXPECT_EQ(replay("belady", 2, "abcab", params), "---++");
}

TEST(CacheModels, SlruPromotesByOneSegment) {
  EXPECT_EQ(replay("slru", 4, "abcdeef"), "----a+b");
  CacheModelParams textbook;
  textbook.fill_upper_segments = false;
  EXPECT_EQ(replay("slru", 4, "abbcd", textbook), "-a+-c");
}

TEST(CacheModels, TwoQ) {
  // b, a and f come back from A1out to Am; at the last g A1in has its one place, so Am gives way.
  EXPECT_EQ(replay("2q", 4, "abcdeaabfghifg"), "----ab+cdefgha");
}

TEST(CacheModels, Arc) {
  // b is found in B1: p = 1, so T2 gives a; a is found in B2: p = 0, so T1 gives c.
  EXPECT_EQ(replay("arc", 2, "aabcba"), "-+-bac");
}

TEST(CacheModels, SmallQueuesBeforeTheMainOne) {
  EXPECT_EQ(replay("s3fifo", 10, "abcdefghijaabbkcd"), "----------++++cde");
  EXPECT_EQ(replay("s3fifo", 10, "abcdefghijak"), "----------+a");
  EXPECT_EQ(replay("qdlp", 10, "abcdefghijak"), "----------+b");
}

TEST(CacheModels, Lirs) {
  // LIR: a, b. c is non-resident in S when it comes back: it displaces b, which then comes to be
  // LIR at its second hit, the first one in S.
  EXPECT_EQ(replay("lirs", 3, "abcdacbbda"), "---c+d++ad");
}

TEST(CacheModels, TinyLfuAdmitsOnlyWhatIsUsedMore) {
  CacheModelParams exact;
  exact.exact_counts = true;
  EXPECT_EQ(replay("wtinylfu", 3, "aaabbcdcce", exact), "-++-+-cd+b");
}

TEST(CacheModels, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(make_cache_model("lru", 0), std::invalid_argument);
  EXPECT_THROW(make_cache_model("rlu", 1), std::invalid_argument);
}

/// The other variant of everything that has two.
CacheModelParams variant() {
  CacheModelParams params;
  params.history = 7;
  params.fill_upper_segments = false;
  params.compound_age = false;
  params.lirs_demotes_early = false;
  params.lirs_stack = CacheModelParams::kUnlimited;
  params.exact_counts = true;
  return params;
}

std::size_t misses(CacheModel& model, const Accesses& accesses) {
  return static_cast<std::size_t>(
      std::count_if(accesses.begin(), accesses.end(),
                    [&](std::uint64_t object) { return !model.access(object); }));
}

TEST(CacheModels, AccountForTheirContents) {
  const Accesses accesses = zipf_and_scan(300, 60, .2, 1);
  for (const std::string_view policy : cache_model_names()) {
    for (CacheModelParams params : {CacheModelParams{}, variant()}) {
      params.future = accesses;
      for (const std::size_t capacity : {1U, 2U, 3U, 4U, 7U, 20U}) {
        const auto model = make_cache_model(policy, capacity, params);
        std::set<std::uint64_t> expected;
        for (const std::uint64_t object : accesses) {
          const bool hit = model->access(object);
          ASSERT_EQ(hit, expected.contains(object)) << policy << ' ' << capacity;
          expected.insert(object);
          const std::set<std::uint64_t> contents = model->contents();
          if (const auto victim = model->last_victim()) {
            ASSERT_NE(*victim, object) << policy << ' ' << capacity;
            ASSERT_EQ(expected.erase(*victim), 1U) << policy << ' ' << capacity;
            // These two may evict several at once.
            if (policy == "wtinylfu" || policy == "qdlp") {
              std::erase_if(expected, [&](std::uint64_t old) { return !contents.contains(old); });
            }
          }
          ASSERT_EQ(contents, expected) << policy << ' ' << capacity;
          ASSERT_LE(contents.size(), capacity) << policy;
        }
      }
    }
  }
}

TEST(CacheModels, NoneBeatsBelady) {
  const std::array streams = {loop(500, 12), uniform(500, 25, 2), zipf(500, 40, .9, 3),
                              zipf_and_scan(500, 40, .3, 4)};
  for (const Accesses& accesses : streams) {
    CacheModelParams params;
    params.future = accesses;
    const std::size_t least = misses(*make_cache_model("belady", 10, params), accesses);
    for (const std::string_view policy : cache_model_names()) {
      EXPECT_GE(misses(*make_cache_model(policy, 10, params), accesses), least) << policy;
    }
    params.bypass = true;
    EXPECT_LE(misses(*make_cache_model("belady", 10, params), accesses), least);
  }
}

TEST(CacheModels, LoopsOverOneTooMany) {
  const Accesses accesses = loop(1000, 11);
  EXPECT_EQ(misses(*make_cache_model("lru", 10), accesses), 1000U);
  // MRU misses 11 first, then once in each 10 accesses.
  EXPECT_EQ(misses(*make_cache_model("mru", 10), accesses), 11U + 98U);
}

constexpr std::array<std::size_t, 5> kCapacities = {1'000, 10'000, 30'000, 50'000, 100'000};

/// Misses of the 288,500 block accesses of the Mooncake conversation trace by capacity in objects.
struct Published {
  std::string_view policy;
  std::array<std::size_t, 5> misses;
  /// No block of a request is found after the first one missed.
  bool hits_are_prefixes = false;
};

constexpr Published kPublished[] = {
    {"2q", {272886, 235162, 200175, 189738, 184849}},
    {"arc", {273225, 224295, 198825, 189444, 183745}},
    {"belady", {233506, 182790, 182790, 182790, 182790}, true},
    {"clock", {275616, 226670, 193556, 186310, 183745}},
    {"fifo", {275941, 234688, 201348, 190404, 184849}},
    {"gdsf", {275616, 225870, 193755, 186146, 183745}},
    {"lfu", {274629, 250487, 208905, 189311, 183745}, true},
    {"lfu_recency", {274629, 250487, 208905, 189311, 183745}, true},
    {"lfuda", {274636, 234067, 194306, 186141, 183576}},
    {"lirs", {272781, 232344, 217790, 212377, 199791}},
    {"lru", {275669, 227579, 194533, 186210, 183576}, true},
    {"qdlp", {272455, 231014, 206080, 189403, 183745}},
    {"s3fifo", {272459, 232110, 200186, 187506, 183926}},
    {"sieve", {274629, 250487, 208905, 189311, 183745}},
    {"slru", {274921, 255682, 209825, 196548, 185360}},
    {"wtinylfu", {271433, 252234, 233519, 221998, 202439}},
};

/// Blocks of a request found before its first miss: what a prefix cache can use.
std::size_t prefix_hits(CacheModel& model, const std::vector<Accesses>& requests) {
  std::size_t hits = 0;
  for (const Accesses& blocks : requests) {
    bool missed = false;
    for (const std::uint64_t block : blocks) {
      missed |= !model.access(block);
      hits += missed ? 0 : 1;
    }
  }
  return hits;
}

class SlowCacheModels : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("TERRACE_DATA");
    if (folder == nullptr) GTEST_SKIP() << "TERRACE_DATA does not name the folder with traces/";
    const auto path = std::filesystem::path(folder) / "traces/mooncake_conversation.jsonl";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "there is no " << path;
    requests_ = load_requests(path);
    accesses_ = flatten(requests_);
    ASSERT_EQ(accesses_.size(), 288'500U);
    params_.future = accesses_;
  }

  std::vector<Accesses> requests_;
  Accesses accesses_;
  CacheModelParams params_;
};

TEST_F(SlowCacheModels, MissAsOftenAsPublished) {
  for (const Published& row : kPublished) {
    for (std::size_t i = 0; i < kCapacities.size(); ++i) {
      const auto model = make_cache_model(row.policy, kCapacities[i], params_);
      EXPECT_EQ(misses(*model, accesses_), row.misses[i]) << row.policy << ' ' << kCapacities[i];
    }
  }
}

TEST_F(SlowCacheModels, LruLfuAndBeladyNeverHitPastTheFirstMiss) {
  for (const Published& row : kPublished) {
    if (!row.hits_are_prefixes) continue;
    for (std::size_t i = 0; i < kCapacities.size(); ++i) {
      const auto model = make_cache_model(row.policy, kCapacities[i], params_);
      EXPECT_EQ(prefix_hits(*model, requests_), accesses_.size() - row.misses[i]) << row.policy;
    }
  }
}

TEST_F(SlowCacheModels, FifoAlsoHitsPastTheFirstMiss) {
  constexpr std::array<std::size_t, 5> kHits = {12'509, 52'351, 84'936, 96'228, 102'794};
  for (std::size_t i = 0; i < kCapacities.size(); ++i) {
    EXPECT_EQ(prefix_hits(*make_cache_model("fifo", kCapacities[i]), requests_), kHits[i]);
  }
}

}  // namespace
}  // namespace terrace::oracle
