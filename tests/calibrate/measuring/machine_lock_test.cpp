#include "calibrate/measuring/machine_lock.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/app/program.hpp"

namespace terrace::calibrate {
namespace {

TEST(MachineLock, IsHeldByOneUntilItLetsGo) {
  const testing::Workplace place;
  std::optional<MachineLock> first(std::in_place, place.at(""));
  try {
    const MachineLock second(place.at(""));
    FAIL() << "two hold it";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("another calibration is under way"), std::string::npos);
  }
  first.reset();
  const MachineLock third(place.at(""));
}

TEST(MachineLock, IsOneForAllUsers) {
  const testing::Workplace place;
  const mode_t before = umask(0077);
  const MachineLock lock(place.at(""));
  umask(before);
  struct stat file {};
  ASSERT_EQ(stat(place.at("terrace-calibrate.lock").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0644U);
}

TEST(MachineLock, IsInOnePlaceWhateverAUserCallsHisOwn) {
  const auto usual = MachineLock::usual_directory();
  for (const char* mine : {"TMPDIR", "XDG_RUNTIME_DIR", "HOME"}) {
    const char* before = std::getenv(mine);
    const std::string kept = before == nullptr ? "" : before;
    ASSERT_EQ(setenv(mine, "/no/such/place", 1), 0);
    EXPECT_EQ(MachineLock::usual_directory(), usual) << mine;
    before == nullptr ? unsetenv(mine) : setenv(mine, kept.c_str(), 1);
  }
}

TEST(MachineLock, IsWhereAllMayWriteAndNoneMayRemove) {
  const testing::Workplace place;
  std::vector<std::filesystem::path> all = {place.at("none")};
  const auto add = [&](const char* name, mode_t mode) {
    std::filesystem::create_directory(place.at(name));
    ASSERT_EQ(chmod(place.at(name).c_str(), mode), 0);
    all.push_back(place.at(name));
  };
  add("mine", 0700);
  add("not-sticky", 0777);
  add("readable", 01755);
  EXPECT_EQ(MachineLock::shared_directory(all), "");
  add("shared", 01777);
  add("also", 01777);
  EXPECT_EQ(MachineLock::shared_directory(all), place.at("shared"));
}

TEST(MachineLock, SaysWhatToDoWhereThereCanBeNone) {
  const testing::Workplace place;
  try {
    const MachineLock lock(place.at("no/such"));
    FAIL() << "there is no such directory";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("TERRACE_LOCK_DIR=DIR"), std::string::npos) << e.what();
  }
}

TEST(MachineLock, DoesNotFollowLinks) {
  const testing::Workplace place;
  place.write("target", "precious");
  std::filesystem::create_symlink(place.at("target"), place.at("terrace-calibrate.lock"));
  EXPECT_THROW(const MachineLock lock(place.at("")), std::runtime_error);
}

}  // namespace
}  // namespace terrace::calibrate
