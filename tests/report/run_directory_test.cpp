#include "sim/report/run_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/report/json.hpp"
#include "tests/report/reported_run.hpp"
#include "tests/report/scratch.hpp"

namespace terrace {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kFiles = {"config.resolved.yaml", "links.csv",    "manifest.json",
                                         "requests.csv",         "summary.json", "tiers.csv",
                                         "timeseries.csv"};

std::vector<std::string> files_in(const fs::path& path) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string why(const fs::path& path) {
  try {
    RunDirectory directory(path, Bytes{1});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(RunDirectory, HoldsTheWholeRun) {
  const Scratch scratch;
  const Reported run = report_on(kTwoTiers, scratch / "a/b");
  const fs::path path = scratch / "a/b";
  EXPECT_EQ(files_in(path), kFiles);

  const auto manifest = nlohmann::json::parse(content_of(path / "manifest.json"));
  EXPECT_EQ(manifest["tool_version"], "1.2.3");
  EXPECT_EQ(manifest["argv"], (std::vector<std::string>{"terrace", "run", "test.yaml"}));
  EXPECT_EQ(manifest["seed"], 7);
  EXPECT_EQ(manifest["complete"], true);
  EXPECT_EQ(manifest["came"], 600);
  EXPECT_EQ(manifest["completed"].get<std::int64_t>() + manifest["rejected"].get<std::int64_t>(),
            600);
  EXPECT_EQ(content_of(path / "summary.json"), json_text(run.summary, run.header));
  EXPECT_EQ(content_of(path / "config.resolved.yaml"), resolved_yaml(scenario_of(kTwoTiers)));

  const std::vector<std::string> requests = lines_of(content_of(path / "requests.csv"));
  EXPECT_EQ(requests.size(), 601U);
  for (const std::string& row : requests) EXPECT_EQ(std::count(row.begin(), row.end(), ','), 17);
  const std::vector<std::string> tiers = lines_of(content_of(path / "tiers.csv"));
  ASSERT_EQ(tiers.size(), 4U);
  EXPECT_EQ(tiers[0],
            "tier,medium,capacity_bytes,mean_occupied_bytes,peak_occupied_bytes,mean_held_bytes,"
            "peak_held_bytes,requests,lookup_tokens,hit_tokens,hit_blocks,read_bytes,written_bytes,"
            "loads,load_time_s,writes_skipped,writes_declined,writes_dropped,prefetches,prefetches_"
            "stopped,prefetched_blocks,"
            "prefetched_bytes,prefetch_used_blocks,prefetch_unused_blocks");
  EXPECT_TRUE(tiers[2].starts_with("dram,dram,1073741824,")) << tiers[2];
  for (const std::string& row : tiers) EXPECT_EQ(std::count(row.begin(), row.end(), ','), 23);
  const std::vector<std::string> links = lines_of(content_of(path / "links.csv"));
  EXPECT_EQ(links.size(), run.summary.links.size() + 1);
  EXPECT_EQ(links[0], "link,bytes,transfers,busy_s,utilisation,queueing_s,peak_transfers");
}

TEST(RunDirectory, OfTheSameRunIsTheSameToTheByte) {
  const Scratch scratch;
  report_on(kTwoTiers, scratch / "first");
  report_on(kTwoTiers, scratch / "second");
  for (const std::string& file : kFiles) {
    EXPECT_EQ(content_of(scratch / "first" / file), content_of(scratch / "second" / file)) << file;
    EXPECT_EQ(content_of(scratch / "first" / file).find(scratch.path().string()),
              std::string::npos);
  }
}

TEST(RunDirectory, TheHashIsFnv1aOfTheResolvedScenario) {
  const Scratch scratch;
  RunDirectory directory(scratch.path(), Bytes{1});
  directory.finish(nothing(), {}, {"", 0, {}, "foobar"});
  const auto manifest = nlohmann::json::parse(content_of(scratch / "manifest.json"));
  EXPECT_EQ(manifest["scenario_hash"], "fnv1a64:85944171f73967e8");
}

TEST(RunDirectory, AnEarlierRunIsGoneOnceANewOneBegins) {
  const Scratch scratch;
  report_on(kTwoTiers, scratch.path());
  write_file(scratch / "notes.txt", "mine");
  const RunDirectory directory(scratch.path(), Bytes{1});
  EXPECT_EQ(files_in(scratch.path()),
            (std::vector<std::string>{"notes.txt", "requests.csv", "timeseries.csv"}));
}

TEST(RunDirectory, FailuresNameThePathAndTheReason) {
  const Scratch scratch;
  write_file(scratch / "file", "");
  const std::string path = (scratch / "file").string();
  EXPECT_EQ(why(path), "cannot create the directory " + path + ": Not a directory");
  EXPECT_EQ(why(path + "/below"),
            "cannot create the directory " + path + "/below: Not a directory");
  fs::create_directories(scratch / "requests.csv/full");
  EXPECT_EQ(why(scratch.path()),
            "cannot replace " + (scratch / "requests.csv").string() + ": Directory not empty");
}

TEST(RunDirectory, AFileThatCannotBeWrittenAtTheEndIsTold) {
  const Scratch scratch;
  RunDirectory directory(scratch.path(), Bytes{1});
  fs::create_symlink("/dev/full", scratch / "summary.json");
  try {
    directory.finish(nothing(), {}, {});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(),
              "cannot write " + (scratch / "summary.json").string() + ": No space left on device");
  }
  EXPECT_FALSE(fs::exists(scratch / "manifest.json")) << "without it, it is not a result";
}

}  // namespace
}  // namespace terrace
