// Every shipped description loads without a complaint, says what it is, and sources its numbers.

#include "tests/model/catalogue.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "sim/cost/kernel_profile.hpp"

namespace terrace {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files(const std::string& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(tests::in_repository(folder))) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Their numbers have errors and sources of their own.
bool is_calibration(const fs::path& file) { return file.parent_path().filename() == "kernels"; }

/// Paths of the values that are numbers or quantities, which is all but names.
void collect(const YAML::Node& node, const std::string& path, std::vector<std::string>& leaves) {
  if (node.IsMap()) {
    for (const auto& member : node) {
      const auto key = member.first.as<std::string>();
      constexpr std::array<std::string_view, 8> kTexts{
          "sources", "name", "kernels", "architecture", "bus", "nand", "memory_type", "as_of"};
      if (std::find(kTexts.begin(), kTexts.end(), key) != kTexts.end()) continue;
      collect(member.second, path.empty() ? key : fmt::format("{}.{}", path, key), leaves);
    }
  } else if (node.IsSequence()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      collect(node[i], fmt::format("{}[{}]", path, i), leaves);
    }
  } else {
    leaves.push_back(path);
  }
}

/// Whether `entry` speaks for `leaf`: it is the leaf or a mapping or list around it.
bool covers(const std::string& entry, const std::string& leaf) {
  return leaf == entry || leaf.starts_with(entry + ".") || leaf.starts_with(entry + "[");
}

template <class T>
void expect_loads(const std::string& folder, std::size_t at_least) {
  const auto found = files(folder);
  EXPECT_GE(found.size(), at_least);
  for (const fs::path& file : found) {
    SCOPED_TRACE(file.string());
    EXPECT_NO_THROW({
      try {
        EXPECT_FALSE(config::read_file<T>(file.string()).name.empty());
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
        throw;
      }
    });
  }
}

TEST(Catalogue, Loads) {
  expect_loads<ModelSpec>("models", 6);
  expect_loads<GpuSpec>("hwprofiles/gpus", 23);
  expect_loads<HostSpec>("hwprofiles/hosts", 19);
  expect_loads<SsdSpec>("hwprofiles/ssds", 19);
  expect_loads<NetworkSpec>("hwprofiles/networks", 8);
}

TEST(Catalogue, KernelsAreOfTheGpusThatNameThem) {
  int named = 0;
  for (const fs::path& file : files("hwprofiles/gpus")) {
    const auto gpu = config::read_file<GpuSpec>(file.string());
    if (gpu.kernels.empty()) continue;
    ++named;
    const std::string path = "hwprofiles/kernels/" + gpu.kernels + ".yaml";
    const auto profile = config::read_file<KernelProfile>(tests::in_repository(path));
    EXPECT_TRUE(profile.is_of(gpu)) << path;
    EXPECT_GE(profile.fits.size(), 15U) << path;
  }
  EXPECT_EQ(named, 5);
}

TEST(Catalogue, FirstLineTellsWhatIsNotable) {
  for (const char* folder : {"models", "hwprofiles"}) {
    for (const fs::path& file : files(folder)) {
      std::ifstream in(file);
      std::string line;
      std::getline(in, line);
      EXPECT_TRUE(line.starts_with("# ") && line.size() > 20) << file;
    }
  }
}

TEST(Catalogue, ModelsAreNamedAfterTheirFiles) {
  for (const fs::path& file : files("models")) {
    EXPECT_EQ(YAML::LoadFile(file.string())["name"].as<std::string>(), file.stem()) << file;
  }
}

TEST(Catalogue, EveryPhysicalNumberHasASource) {
  for (const fs::path& file : files("hwprofiles")) {
    if (is_calibration(file)) continue;
    SCOPED_TRACE(file.string());
    const YAML::Node root = YAML::LoadFile(file.string());
    std::vector<std::string> leaves;
    collect(root, "", leaves);
    std::vector<std::string> entries;
    for (const auto& entry : root["sources"]) {
      entries.push_back(entry.first.as<std::string>());
      const auto text = entry.second.as<std::string>();
      const auto source = NumberSource::parse(text);
      EXPECT_TRUE(source.has_value()) << entries.back() << ": " << text;
      EXPECT_TRUE(!source || (is_date(source->date) && !source->confidence.empty()))
          << entries.back() << " lacks a date or how sure it is: " << text;
      EXPECT_TRUE(
          std::any_of(leaves.begin(), leaves.end(),
                      [&](const std::string& leaf) { return covers(entries.back(), leaf); }))
          << "a source for what is not there: " << entries.back();
    }
    for (const std::string& leaf : leaves) {
      EXPECT_TRUE(std::any_of(entries.begin(), entries.end(),
                              [&](const std::string& entry) { return covers(entry, leaf); }))
          << "no source for " << leaf;
    }
  }
}

}  // namespace
}  // namespace terrace
