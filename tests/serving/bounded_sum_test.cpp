#include "sim/serving/bounded_sum.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"

namespace terrace {
namespace {

/// Sequences come, grow, stand still and leave; their parts are added up one by one.
void expect_agreement(BoundedReach reach, std::int64_t longest, std::uint64_t seed) {
  constexpr Tokens kEncoder{11};
  Random random(seed, "bounded sum");
  const auto up_to = [&](std::int64_t most) {
    return Tokens{1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most)))};
  };
  BoundedSum sum(reach, kEncoder);
  std::vector<Tokens> members;
  for (int step = 0; step < 3000; ++step) {
    while (random.below(3) == 0) {
      members.push_back(up_to(longest));
      sum.join(members.back());
    }
    while (!members.empty() && random.below(3) == 0) {
      const auto leaving =
          members.begin() + static_cast<std::ptrdiff_t>(random.below(members.size()));
      sum.leave(*leaving);
      members.erase(leaving);
    }
    if (!members.empty() && random.below(4) == 0) {
      Tokens& still = members[random.below(members.size())];
      if (still > Tokens{1}) {
        sum.leave(still);
        still -= Tokens{1};
        sum.join(still);
      }
    }
    Tokens expected;
    for (const Tokens context : members) {
      expected += attended(reach.reach, reach.span, context, kEncoder);
    }
    ASSERT_EQ(sum.sum(), expected) << "step " << step << ", seed " << seed;
    sum.advance();
    for (Tokens& context : members) context += Tokens{1};
  }
}

TEST(BoundedSum, AgreesWithALoopOverItsMembers) {
  std::uint64_t seed = 0;
  for (const Reach reach : {Reach::window, Reach::chosen, Reach::chunk, Reach::encoder}) {
    for (const std::int64_t span : {1, 2, 7, 64, 1000}) {
      for (const std::int64_t longest : {3, 100, 5000}) {
        expect_agreement({reach, Tokens{span}}, longest, ++seed);
      }
    }
  }
}

TEST(BoundedSum, FollowsOneSequenceThroughItsChunksOrWindow) {
  const auto seen = [](Reach reach) {
    BoundedSum sum({reach, Tokens{3}}, Tokens{9});
    sum.join(Tokens{2});
    std::vector<std::int64_t> all;
    for (int step = 0; step < 6; ++step, sum.advance()) all.push_back(sum.sum().count());
    return all;
  };
  EXPECT_EQ(seen(Reach::chunk), (std::vector<std::int64_t>{2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(seen(Reach::window), (std::vector<std::int64_t>{2, 3, 3, 3, 3, 3}));
  EXPECT_EQ(seen(Reach::encoder), (std::vector<std::int64_t>{9, 9, 9, 9, 9, 9}));
}

}  // namespace
}  // namespace terrace
