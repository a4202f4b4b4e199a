#include "calibrate/measuring/machine_lock.hpp"

#include <optional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

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

TEST(MachineLock, DoesNotFollowLinks) {
  const testing::Workplace place;
  place.write("target", "precious");
  std::filesystem::create_symlink(place.at("target"), place.at("terrace-calibrate.lock"));
  EXPECT_THROW(const MachineLock lock(place.at("")), std::runtime_error);
}

}  // namespace
}  // namespace terrace::calibrate
