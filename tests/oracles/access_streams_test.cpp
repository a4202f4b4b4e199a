#include "tests/oracles/access_streams.hpp"

#include <algorithm>

#include <gmock/gmock.h>

namespace terrace::oracle {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Lt;
using testing::SizeIs;

TEST(AccessStreams, ScanAndLoop) {
  EXPECT_THAT(scan(4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(loop(5, 2), ElementsAre(0, 1, 0, 1, 0));
}

TEST(AccessStreams, DependOnTheSeedOnly) {
  EXPECT_EQ(uniform(100, 50, 1), uniform(100, 50, 1));
  EXPECT_NE(uniform(100, 50, 1), uniform(100, 50, 2));
  EXPECT_EQ(zipf(100, 50, 1, 1), zipf(100, 50, 1, 1));
  EXPECT_NE(zipf(100, 50, 1, 1), zipf(100, 50, 1, 2));
  EXPECT_NE(zipf_and_scan(100, 50, .5, 1), zipf_and_scan(100, 50, .5, 2));
}

TEST(AccessStreams, StayInTheUniverse) {
  for (const Accesses& accesses :
       {uniform(500, 7, 1), zipf(500, 7, .8, 1), zipf_and_scan(500, 7, .3, 1)}) {
    EXPECT_THAT(accesses, AllOf(SizeIs(500), Each(Lt(7U))));
  }
  EXPECT_THAT(zipf_and_scan(20, 1, .3, 1), Each(0U));
}

TEST(AccessStreams, ZipfFavoursTheFirst) {
  // 1 / (1 + 1/2 + ... + 1/10) = 0.341, with a deviation of 0.0047.
  const Accesses accesses = zipf(10'000, 10, 1, 1);
  EXPECT_NEAR(static_cast<double>(std::count(accesses.begin(), accesses.end(), 0U)), 3'414, 190);
}

TEST(AccessStreams, ScansTheUpperHalfInOrder) {
  Accesses accesses = zipf_and_scan(100, 10, .5, 1);
  std::erase_if(accesses, [](std::uint64_t object) { return object < 5; });
  ASSERT_GT(accesses.size(), 10U);
  for (std::size_t i = 0; i < accesses.size(); ++i) EXPECT_EQ(accesses[i], 5 + i % 5);
}

TEST(AccessStreams, Flatten) { EXPECT_THAT(flatten({{1, 2}, {}, {3}}), ElementsAre(1, 2, 3)); }

}  // namespace
}  // namespace terrace::oracle
