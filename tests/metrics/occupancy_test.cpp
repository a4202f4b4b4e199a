#include "sim/metrics/occupancy.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include "sim/kv/eviction/policy.hpp"

namespace terrace {
namespace {

SimTime at(std::int64_t picoseconds) { return SimTime{Duration{picoseconds}}; }

TEST(Occupancy, AStepCountsWithWhatItEndsWithAndAPauseWithWhatCameBefore) {
  BlockPool pool(10, make_eviction_policy("lru"));
  Occupancy occupancy(pool);
  const BlockId first = pool.allocate();
  occupancy.look(at(100), at(110));  // 1 block for 10
  const BlockId second = pool.allocate();
  occupancy.look(at(130), at(150));  // 1 for 20, then 2 for 20
  pool.publish(first, ContentId{0});
  pool.release(first);
  pool.release(second);
  occupancy.look(at(150), at(160));  // 1 occupied, none held, for 10
  EXPECT_TRUE(occupancy.occupied() == 10 + 20 + 2 * 20 + 10);
  EXPECT_TRUE(occupancy.held() == 10 + 20 + 2 * 20);
}

TEST(Occupancy, OverlappingStepsOfTwoReplicasCountNoTimeTwice) {
  BlockPool pool(10, make_eviction_policy("lru"));
  Occupancy occupancy(pool);
  pool.allocate();
  occupancy.look(at(0), at(100));
  occupancy.look(at(50), at(120));
  occupancy.look(at(119), at(120));
  EXPECT_TRUE(occupancy.held() == 120);
}

}  // namespace
}  // namespace terrace
