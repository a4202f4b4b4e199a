// The exact LRU curve against a stack that is searched, a replay of the policy, and the closed form
// of independent references.

#include "sim/study/mrc/lru_curve.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/base/portable_math.hpp"
#include "sim/study/mrc/replay.hpp"
#include "sim/study/mrc/reuse_distance.hpp"
#include "tests/for_all.hpp"
#include "tests/study/mrc/streams.hpp"

namespace terrace {
namespace {

using tests::Ids;
using tests::kGoOn;

/// The stack as Mattson drew it: the most recent on top.
class NaiveStack {
 public:
  std::uint32_t access(std::uint32_t item) {
    std::uint32_t depth = 0;
    for (auto at = stack_.begin(); at != stack_.end(); ++at) {
      ++depth;
      if (*at != item) continue;
      stack_.erase(at);
      stack_.push_front(item);
      return depth;
    }
    stack_.push_front(item);
    return ReuseDistances::kNever;
  }
  void remove(std::uint32_t item) { stack_.remove(item); }
  [[nodiscard]] bool contains(std::uint32_t item) const {
    return std::find(stack_.begin(), stack_.end(), item) != stack_.end();
  }

 private:
  std::list<std::uint32_t> stack_;
};

TEST(ReuseDistances, AreThoseOfASearchedStack) {
  tests::for_all([] {
    const auto items = *rc::gen::inRange<std::uint32_t>(1, 60);
    const auto accesses = *rc::gen::container<Ids>(rc::gen::inRange<std::uint32_t>(0, items));
    ReuseDistances distances;
    NaiveStack stack;
    for (const std::uint32_t access : accesses) {
      if (access % 7 == 3 && stack.contains(access)) {
        distances.remove(access);
        stack.remove(access);
      } else {
        RC_ASSERT(distances.access(access) == stack.access(access));
      }
    }
  });
}

TEST(ReuseDistances, SurviveManyCompactions) {
  // The row has 65,536 places to begin with, and grows with 40,000 items: closed up many times.
  ReuseDistances distances;
  constexpr std::uint32_t kItems = 40'000;
  for (std::uint32_t round = 0; round < 10; ++round) {
    for (std::uint32_t item = 0; item < kItems; ++item) {
      ASSERT_EQ(distances.access(item), round == 0 ? ReuseDistances::kNever : kItems);
    }
  }
  for (std::uint32_t i = 0; i < 300'000; ++i) distances.access(i % 3);  // the others stay below
  EXPECT_EQ(distances.access(3), kItems);
  EXPECT_EQ(distances.items(), kItems);
}

TEST(LruCurve, IsWhatAReplayHitsAtEveryCapacity) {
  tests::for_all([] {
    const auto items = *rc::gen::inRange<std::uint32_t>(1, 30);
    const auto requests = *rc::gen::container<std::vector<Ids>>(
        rc::gen::container<Ids>(rc::gen::inRange<std::uint32_t>(0, items)));
    BlockStream stream{Tokens{16}};
    for (const Ids& request : requests) {
      std::vector<ContentId> blocks;
      for (const std::uint32_t id : request) blocks.emplace_back(id);
      stream.add_reads(blocks, Tokens{*rc::gen::inRange(1, 17)});
    }
    // Outputs of every other request: written, not read.
    for (std::size_t i = 0; i < stream.requests.size(); i += 2) {
      auto& request = stream.requests[i];
      const std::uint64_t begin = i == 0 ? 0 : stream.requests[i - 1].end;
      if (request.reads_end == begin) continue;
      --request.reads_end;
      request.last_read = Tokens{16};
    }
    const LruCurve curve(stream, kGoOn);
    const auto recipe = config::find_recipe<EvictionRecipe>("lru");
    for (std::int64_t capacity = 0; capacity <= items + 1; ++capacity) {
      ReplayOptions options;
      options.capacity = capacity;
      RC_ASSERT(curve.at(capacity) == replay(stream, *recipe, options, kGoOn));
    }
    RC_ASSERT(curve.at(items) == totals(stream).achievable);
  });
}

TEST(LruCurve, CountsUsableHitsUpToTheFirstMissOfTheirRequest) {
  BlockStream stream{Tokens{10}};
  const auto blocks = [](const Ids& ids) {
    std::vector<ContentId> all;
    for (const std::uint32_t id : ids) all.emplace_back(id);
    return all;
  };
  stream.add_reads(blocks({1, 2, 3}), Tokens{10});
  stream.add_reads(blocks({1, 3, 2}), Tokens{4});  // distances 3, 2, 3
  const LruCurve curve(stream, kGoOn);
  EXPECT_EQ(curve.at(1), (HitCounts{}));
  EXPECT_EQ(curve.at(2), (HitCounts{1, 0, Tokens{10}, Tokens{0}})) << "the block 1 was missed";
  EXPECT_EQ(curve.at(3), (HitCounts{3, 3, Tokens{24}, Tokens{24}})) << "the last has 4 tokens";
}

TEST(LruCurve, StopsWhenTold) {
  const BlockStream stream = tests::single_reads(tests::zipf(100, 200'000, 1, 1));
  EXPECT_FALSE(LruCurve(stream, [](std::uint64_t) { return false; }).complete());
}

/// Che's approximation (Che, Tung & Wang, JSAC 2002) for independent references: an item stays for
/// the characteristic time T in which `capacity` different items are accessed, so rank i hits with
/// probability 1 - exp(-p_i T), where sum over i of this is the capacity.
double che_hit_ratio(std::uint32_t items, double exponent, double capacity) {
  std::vector<double> p(items);
  double sum = 0;
  for (std::uint32_t i = 0; i < items; ++i) sum += p[i] = portable::pow(i + 1.0, -exponent);
  for (double& each : p) each /= sum;
  const auto filled = [&](double time) {
    double all = 0;
    for (const double each : p) all -= portable::expm1(-each * time);
    return all;
  };
  double low = 0;
  double high = 1;
  while (filled(high) < capacity) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (filled(middle) < capacity ? low : high) = middle;
  }
  double hits = 0;
  for (const double each : p) hits -= each * portable::expm1(-each * high);
  return hits;
}

TEST(LruCurve, AgreesWithChesApproximation) {
  constexpr std::uint32_t kItems = 2'000;
  constexpr std::size_t kWarm = 200'000;
  constexpr std::size_t kMeasured = 800'000;
  for (const double exponent : {0.7, 1.0}) {
    const Ids ids = tests::zipf(kItems, kWarm + kMeasured, exponent, 7);
    // The first accesses fill the caches: what they hit is taken off.
    const LruCurve warm(tests::one_request({ids.begin(), ids.begin() + kWarm}), kGoOn);
    const LruCurve all(tests::one_request(ids), kGoOn);
    for (const std::int64_t capacity : {20, 60, 200, 600, 1500}) {
      const double ratio = static_cast<double>(all.at(capacity).blocks - warm.at(capacity).blocks) /
                           static_cast<double>(kMeasured);
      const double expected = che_hit_ratio(kItems, exponent, static_cast<double>(capacity));
      EXPECT_NEAR(ratio, expected, 0.01 * expected) << exponent << ' ' << capacity;
    }
  }
}

}  // namespace
}  // namespace terrace
