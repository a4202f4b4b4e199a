#include "sim/base/text.hpp"

#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace terrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<std::string_view> kNames = {"h100-nvl", "h100-sxm", "h200-sxm", "l40s",
                                              "solidigm-d7-ps1010"};

TEST(Text, LongerNamesBeginWithWhatWasTypedOrContainIt) {
  EXPECT_THAT(longer("h100", kNames), ElementsAre("h100-nvl", "h100-sxm"));
  EXPECT_THAT(longer("sxm", kNames), ElementsAre("h100-sxm", "h200-sxm"));
  EXPECT_THAT(longer("b200", kNames), IsEmpty());
  EXPECT_THAT(longer("", kNames), IsEmpty());
}

TEST(Text, MisspelledNamesComeBeforeLongerOnes) {
  EXPECT_EQ(did_you_mean("l4s", kNames), "did you mean 'l40s'?");
  EXPECT_EQ(did_you_mean("h100", kNames), "did you mean one of h100-nvl, h100-sxm?");
  EXPECT_EQ(did_you_mean("ps1010", kNames), "did you mean 'solidigm-d7-ps1010'?");
  EXPECT_EQ(did_you_mean("rubin", kNames), "");
}

}  // namespace
}  // namespace terrace
