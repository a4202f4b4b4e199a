// When a journal takes the place of an earlier one.

#include "calibrate/measuring/journal.hpp"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEarlier = "an hour of points";

class JournalFile : public ::testing::Test {
 protected:
  JournalFile() { place_.write("x", kEarlier); }
  [[nodiscard]] fs::path path() const { return place_.at("x"); }
  [[nodiscard]] bool is_as_it_was() const {
    return testing::read_file(path()) == kEarlier && !fs::exists(place_.at("x.part"));
  }

 private:
  testing::Workplace place_;
};

Progressed begun() {
  return {{{"run", "of a test"}}, {}, {}, {{"memory/copy", {"memory"}, 0, 0, {}}}};
}

MeasuredPoint failed_point() {
  MeasuredPoint point;
  point.id = "memory/a";
  point.family = "memory";
  point.x = nlohmann::ordered_json::object();
  point.error = "no memory";
  return point;
}

TEST_F(JournalFile, LeavesAnEarlierOneUntilThereIsAPoint) {
  {
    Journal journal(path(), begun());
    journal.add(SentinelReading{1, {{"copy_gbs", 10}}});
    EXPECT_FALSE(journal.is_in_place());
    EXPECT_EQ(testing::read_file(path()), kEarlier);
  }
  EXPECT_TRUE(is_as_it_was());
  Journal journal(path(), begun());
  journal.add(failed_point());
  EXPECT_TRUE(journal.is_in_place());
  const Progressed read = Journal::read(path()).value().progressed;
  EXPECT_EQ(read.points.size(), 1U);
  EXPECT_EQ(read.findings.size(), 1U);
}

TEST_F(JournalFile, KeepsThatAKernelIsWrongThoughThereIsNoPoint) {
  Progressed lost = begun();
  lost.findings.push_back({"gemm/bf16/bf16", {"gemm"}, 0, 0.01, "an illegal memory access"});
  { const Journal journal(path(), lost); }
  const Progressed read = Journal::read(path()).value().progressed;
  ASSERT_EQ(read.findings.size(), 2U);
  EXPECT_EQ(read.findings[1].failure, "an illegal memory access");
}

TEST_F(JournalFile, GoesOnWithItsPointsAtOnce) {
  Progressed before = begun();
  before.points.push_back(failed_point());
  Journal journal(path(), before);
  EXPECT_TRUE(journal.is_in_place());
  EXPECT_EQ(Journal::read(path()).value().progressed.points.size(), 1U);
  journal.remove();
  EXPECT_FALSE(fs::exists(path()));
}

}  // namespace
}  // namespace terrace::calibrate
