#include "calibrate/profile/doubts.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::HasSubstr;

TEST(Proofs, TellFilesThatHaveNoneFromRunsThatNeededNone) {
  const testing::Workplace place;
  const std::string text =
      points_text({"2026-11-22T10:00:00Z", {{"version", "1"}}, {{"cpu", "x"}}, {}, {}});
  const std::string checks = "  \"checks\": [],\n";
  std::string older = text;
  ASSERT_NE(older.find(checks), std::string::npos) << text;
  older.erase(older.find(checks), checks.size());
  place.write("now.json", text);
  place.write("older.json", older);
  EXPECT_EQ(proofs_text(read_measured_run(place.at("now.json"))), "  none\n");
  EXPECT_THAT(proofs_text(read_measured_run(place.at("older.json"))), HasSubstr("not compared"));
}

}  // namespace
}  // namespace terrace::calibrate
