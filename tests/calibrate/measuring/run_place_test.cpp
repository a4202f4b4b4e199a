#include "calibrate/measuring/run_place.hpp"

#include <gtest/gtest.h>

namespace terrace::calibrate {
namespace {

TEST(RunPlace, IsNamedByItsNameOrByOneOfItsFiles) {
  for (const char* out : {"mine", "mine.points.json", "mine.points.journal", "mine.yaml"}) {
    EXPECT_EQ(RunPlace(out).name(), "mine");
    EXPECT_EQ(RunPlace(out).points(), "mine.points.json");
  }
}

TEST(RunPlace, KeepsAllOfANameButOneEnding) {
  EXPECT_EQ(RunPlace("a.json.yaml").profile(), "a.json.yaml");
  EXPECT_EQ(RunPlace("a.yaml.points.json").points(), "a.yaml.points.json");
}

}  // namespace
}  // namespace terrace::calibrate
