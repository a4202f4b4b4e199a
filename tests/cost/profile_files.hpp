#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace terrace::tests {

/// A folder for the tables of one profile, named "m", that lives as long as a test.
class ProfileFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("terrace_" + std::string(test->name()) + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path file(const std::string& kind) const {
    return folder_ / ("m_" + kind + ".csv");
  }
  void write(const std::string& kind, const std::string& text) const {
    std::ofstream(file(kind)) << text;
  }

  std::filesystem::path folder_;
};

}  // namespace terrace::tests
