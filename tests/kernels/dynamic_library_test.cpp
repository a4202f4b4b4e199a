#include "kernels/dynamic_library.hpp"

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace terrace::kernels {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(DynamicLibraries, AreFoundByTheFirstNameThatTheLoaderKnows) {
  const DynamicLibrary math{"libnone.so.7", "libm.so.6"};
  EXPECT_DOUBLE_EQ(math.find<double(double)>("cbrt")(27), 3);
  EXPECT_EQ(math.find_if_any<void()>("none"), nullptr);
  EXPECT_THROW(static_cast<void>(math.find<void()>("none")), std::runtime_error);
}

TEST(DynamicLibraries, SayWhyTheyCannotBeLoaded) {
  try {
    const DynamicLibrary none{"libnone.so.7", "/proc/self/status"};
    FAIL() << "loaded what is no library";
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(),
                AllOf(HasSubstr("libnone.so.7 cannot be loaded"),
                      HasSubstr("No such file or directory"), HasSubstr("/proc/self/status")));
  }
}

}  // namespace
}  // namespace terrace::kernels
