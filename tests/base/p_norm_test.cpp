#include "sim/base/p_norm.hpp"

#include <gtest/gtest.h>

namespace terrace {
namespace {

TEST(PNorm, RunsFromTheSumToTheLarger) {
  EXPECT_DOUBLE_EQ(p_norm(3, 4, 1), 7);
  EXPECT_DOUBLE_EQ(p_norm(3, 4, 2), 5);
  EXPECT_NEAR(p_norm(3, 4, 100), 4, 1e-6);
  EXPECT_DOUBLE_EQ(p_norm3(3, 4), p_norm(3, 4, 3));
  EXPECT_DOUBLE_EQ(p_norm4(3, 4), p_norm(3, 4, 4));
  EXPECT_EQ(p_norm(0, 4, 3), 4);
  EXPECT_EQ(p_norm(1e-200, 1, 6), 1) << "a power that vanishes";
  EXPECT_EQ(p_norm(0, 0, 3), 0);
  EXPECT_EQ(p_norm3(0, 0), 0);
  EXPECT_EQ(p_norm4(0, 0), 0);
}

}  // namespace
}  // namespace terrace
