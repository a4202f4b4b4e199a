#include "kernels/cpu/exp2.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace terrace::kernels::cpu {
namespace {

TEST(Exp2, IsTwoToThePowerOfNumbersUpToZero) {
  // Every 1009th number from -0 down to -126: all exponents, mantissas of all kinds.
  for (std::uint32_t bits = 0x8000'0000; bits <= 0xc2fc'0000; bits += 1009) {
    const auto x = std::bit_cast<float>(bits);
    const double exact = std::exp2(static_cast<double>(x));
    ASSERT_NEAR(static_cast<double>(exp2_of_negative(x)), exact, 2.4e-7 * exact) << x;
  }
}

TEST(Exp2, IsZeroFarBelowAndNanForNan) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const float x : {-126.001F, -200.0F, -1e9F, -1e38F, -kInf}) {
    EXPECT_EQ(exp2_of_negative(x), 0) << x;
  }
  EXPECT_TRUE(std::isnan(exp2_of_negative(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_NEAR(exp2_of_negative(0), 1, 1e-7);
}

}  // namespace
}  // namespace terrace::kernels::cpu
