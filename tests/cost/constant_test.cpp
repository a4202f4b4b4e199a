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
  EXPECT_EQ(
      cost->time({.decodes = 3, .decode_context = Tokens{9000}, .prefills = chunks, .samples = 4}),
      Duration{5ms} + 111 * 2us + 3 * 30us);
  EXPECT_EQ(cost->time({.decodes = 1, .decode_context = Tokens{10}, .samples = 1}),
            Duration{5030us});
}

}  // namespace
}  // namespace terrace
