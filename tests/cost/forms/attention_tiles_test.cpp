#include "sim/cost/forms/attention_tiles.hpp"

#include <gtest/gtest.h>

namespace terrace::forms {
namespace {

TEST(AttentionTiles, TheCacheSpillsAtItsSize) {
  const Chip chip{132, 50e6};
  EXPECT_DOUBLE_EQ(cold_share(50e6, chip), 0.5);
  EXPECT_LT(cold_share(25e6, chip), 0.02);
  EXPECT_GT(cold_share(100e6, chip), 0.98);
  EXPECT_EQ(cold_share(1, Chip{132, 0}), 1) << "no cache keeps nothing";
}

// The diagonal tile of a causal chunk is computed whole: tile i of 128 rows walks i + 1 blocks.
TEST(AttentionTiles, CausalTilesWalkTheTriangleAndTheirDiagonal) {
  double blocks = 0;
  for (int tile = 0; tile < 8; ++tile) blocks += tile + 1;
  EXPECT_DOUBLE_EQ(keys_walked(1024, 0, 0).mean, blocks * 128 / 8);
  EXPECT_DOUBLE_EQ(keys_walked(1024, 0, 0).longest, 1024);
  EXPECT_DOUBLE_EQ(keys_walked(1024, 4096, 0).mean, 4096 + blocks * 128 / 8);
  EXPECT_DOUBLE_EQ(keys_walked(1, 0, 0).mean, 128) << "one block at least";
}

TEST(AttentionTiles, AWindowCutsTheRowsButNotWholeBlocks) {
  EXPECT_EQ(keys_walked(1024, 0, 1024).mean, keys_walked(1024, 0, 0).mean);
  EXPECT_EQ(keys_walked(16, 1000, 1016).mean, keys_walked(16, 1000, 0).mean);
  EXPECT_DOUBLE_EQ(keys_walked(1024, 1 << 20, 512).mean, 512 + 192);
  EXPECT_DOUBLE_EQ(keys_walked(1024, 1 << 20, 512).longest, 512 + 192);
}

TEST(AttentionTiles, OnlyLongCallsAreThrottled) {
  EXPECT_NEAR(throttled(1e-5, 0.2), 1e-5, 1e-10);
  EXPECT_DOUBLE_EQ(throttled(7e-3, 0.2), 7e-3 * 1.1);
  EXPECT_NEAR(throttled(1, 0.2), 1.2, 1e-4);
}

}  // namespace
}  // namespace terrace::forms
