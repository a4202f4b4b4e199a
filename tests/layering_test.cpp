// The architecture, as a test: a folder includes only folders on lower floors, and itself.

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace terrace {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, int> kFloor = {
    {"base", 0},    {"config", 1}, {"des", 1},      {"model", 2},   {"fabric", 2},
    {"cost", 3},    {"kv", 3},     {"workload", 3}, {"serving", 4}, {"scenario", 5},
    {"metrics", 5}, {"study", 6},  {"report", 6},   {"app", 7}};

/// Calls `f` with the place ("file:line"), the including file's folder below `top`, empty if it is
/// `top` itself, and the first two parts of what it includes. Returns how many there were.
template <class F>
int each_include(const std::string& top, const F& f) {
  const std::set<std::string> sources = {".cpp", ".hpp", ".def", ".cu", ".cuh"};
  const std::regex include(R"re(^\s*#include "(\w+)/([\w.]+))re");
  const fs::path root = fs::path(TERRACE_SOURCE_DIR) / top;
  int includes = 0;
  for (const auto& file : fs::recursive_directory_iterator(root)) {
    if (!sources.contains(file.path().extension().string())) continue;
    const fs::path below = fs::relative(file.path(), root).parent_path();
    const std::string folder = below.empty() ? "" : below.begin()->string();
    std::ifstream in(file.path());
    std::smatch match;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (!std::regex_search(line, match, include)) continue;
      ++includes;
      f(file.path().string() + ':' + std::to_string(number), folder, match[1].str(),
        match[2].str());
    }
  }
  return includes;
}

TEST(Layering, EveryIncludePointsDownwards) {
  const int includes = each_include(
      "sim", [](const auto& place, const auto& folder, const auto& top, const auto& part) {
        ASSERT_TRUE(kFloor.contains(folder)) << "new folder sim/" << folder << ": give it a floor";
        const bool down = top == "sim" && kFloor.contains(part) &&
                          (part == folder || kFloor.at(part) < kFloor.at(folder));
        EXPECT_TRUE(down) << place << ": " << folder << " must not know " << top << '/' << part;
      });
  EXPECT_GT(includes, 100) << "the test found nothing to test";
}

TEST(Layering, KernelsKnowTheGroundFloorAndNoOtherWayToDoThem) {
  const int includes = each_include(
      "kernels", [](const auto& place, const auto& folder, const auto& top, const auto& part) {
        const bool is_header = part.find('.') != std::string::npos;
        const bool allowed =
            top == "kernels" ? is_header || part == folder : top == "sim" && part == "base";
        EXPECT_TRUE(allowed) << place << ": kernels/" << folder << " must not know " << top << '/'
                             << part;
      });
  EXPECT_GT(includes, 50) << "the test found nothing to test";
}

TEST(Layering, CalibrationKnowsTheSimulatorTheKernelsAndTheRoomsBelow) {
  const std::map<std::string, int> floor = {{"disk", 0}, {"fitting", 0},   {"vendor", 0},
                                            {"labs", 1}, {"measuring", 1}, {"profile", 2},
                                            {"loop", 3}};
  const int includes = each_include("calibrate", [&](const auto& place, const auto& folder,
                                                     const auto& top, const auto& part) {
    if (top != "calibrate") {
      EXPECT_TRUE(top == "kernels" || top == "sim")
          << place << ": calibrate must not know " << top << '/' << part;
      return;
    }
    const bool is_header = part.find('.') != std::string::npos;  // of calibrate/ itself
    if (folder.empty()) {
      EXPECT_TRUE(is_header || floor.contains(part)) << place << ": no room " << part;
      return;
    }
    ASSERT_TRUE(floor.contains(folder)) << "new room calibrate/" << folder << ": give it a floor";
    const bool down =
        !is_header && floor.contains(part) && (part == folder || floor.at(part) < floor.at(folder));
    EXPECT_TRUE(down) << place << ": " << folder << " must not know " << part;
  });
  EXPECT_GT(includes, 50) << "the test found nothing to test";
}

}  // namespace
}  // namespace terrace
