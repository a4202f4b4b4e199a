#include "sim/cost/constant.hpp"

#include <array>

#include <gtest/gtest.h>

namespace terrace {
namespace {

using namespace std::chrono_literals;

TEST(Constant, IsAPlainSum) {
  const auto cost = make_constant({5ms, 2us, 30us});
  const std::array chunks{PrefillChunk{Tokens{100}, Tokens{7}},
                          PrefillChunk{Tokens{11}, Tokens{0}}};
  EXPECT_EQ(cost->step({3, Tokens{9000}, chunks, 4}), Duration{5ms} + 111 * 2us + 3 * 30us);
  EXPECT_EQ(cost->step({1, Tokens{10}, {}, 1}), Duration{5030us});
}

}  // namespace
}  // namespace terrace
