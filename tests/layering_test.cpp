// The architecture, as a test: a folder includes only folders on lower floors, and itself.

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace terrace {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, int> kFloor = {
    {"base", 0},    {"config", 1}, {"des", 1},      {"model", 2},   {"fabric", 2},
    {"cost", 3},    {"kv", 3},     {"workload", 3}, {"serving", 4}, {"scenario", 5},
    {"metrics", 5}, {"study", 6},  {"report", 6},   {"app", 7}};

TEST(Layering, EveryIncludePointsDownwards) {
  const fs::path root = TERRACE_SOURCE_DIR;
  const std::regex include(R"re(^\s*#include "(\w+)/(\w+)/)re");
  int includes = 0;
  for (const auto& file : fs::recursive_directory_iterator(root / "sim")) {
    const std::string extension = file.path().extension().string();
    if (extension != ".cpp" && extension != ".hpp" && extension != ".def") continue;
    const std::string folder = fs::relative(file.path(), root / "sim").begin()->string();
    ASSERT_TRUE(kFloor.contains(folder)) << "new folder sim/" << folder << ": give it a floor";
    std::ifstream in(file.path());
    std::smatch match;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (!std::regex_search(line, match, include)) continue;
      ++includes;
      const bool down = match[1] == "sim" && kFloor.contains(match[2]) &&
                        (match[2] == folder || kFloor.at(match[2]) < kFloor.at(folder));
      EXPECT_TRUE(down) << file.path().string() << ':' << number << ": " << folder
                        << " must not know " << match[1] << '/' << match[2];
    }
  }
  EXPECT_GT(includes, 100) << "the test found nothing to test";
}

}  // namespace
}  // namespace terrace
