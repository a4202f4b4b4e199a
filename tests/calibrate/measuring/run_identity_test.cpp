#include "calibrate/measuring/run_identity.hpp"

#include <gtest/gtest.h>

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

TEST(RunIdentity, NamesWhatEitherSideHasAlone) {
  const Json run = {{"threads", 2}, {"cpu", "one"}};
  EXPECT_EQ(differences(run, run), "");
  EXPECT_EQ(differences(run, {{"cpu", "one"}, {"threads", 4}}), "threads (2, now 4)");
  EXPECT_EQ(differences(run, {{"threads", 2}}), "cpu (\"one\", now null)");
  EXPECT_EQ(differences({{"threads", 2}}, run), "cpu (null, now \"one\")");
  EXPECT_EQ(differences(Json(), {{"threads", 2}}), "threads (null, now 2)");
}

}  // namespace
}  // namespace terrace::calibrate
