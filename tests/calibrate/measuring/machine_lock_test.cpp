#include "calibrate/measuring/machine_lock.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

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
  ASSERT_EQ(setenv("XDG_RUNTIME_DIR", place.at("").c_str(), 1), 0);  // which is one user's
  EXPECT_EQ(MachineLock::usual_directory(), std::filesystem::temp_directory_path());
}

TEST(MachineLock, DoesNotFollowLinks) {
  const testing::Workplace place;
  place.write("target", "precious");
  std::filesystem::create_symlink(place.at("target"), place.at("terrace-calibrate.lock"));
  EXPECT_THROW(const MachineLock lock(place.at("")), std::runtime_error);
}

}  // namespace
}  // namespace terrace::calibrate
