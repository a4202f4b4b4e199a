#include "sim/study/remembered_runs.hpp"

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include <gtest/gtest.h>

#include "sim/kv/capacity.hpp"
#include "sim/study/identity.hpp"

namespace terrace {
namespace {

TEST(Identity, IsXxh3) {
  // The empty input's hash in the reference implementation's own test vectors.
  EXPECT_EQ(hash_of(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_NE(hash_of("a"), hash_of("b"));
}

/// A store in memory and an experiment that counts how often it is done.
class RememberedRunsTest : public testing::Test {
 protected:
  RememberedRuns runs(const std::string& version = "1", const std::string& name = "count") {
    return {store_, version, name, [this](const Scenario& scenario, const std::stop_token&) {
              ++done_;
              if (infeasible_) throw Infeasible("no room\n  at all");
              if (broken_) throw std::runtime_error("disk full");
              return std::optional<Findings>(
                  {{{"seed", static_cast<double>(scenario.seed)}, {"none", {}}}, "compute"});
            }};
  }
  /// How often the experiment is done for it by runs of this kind.
  int times(const Scenario& scenario, const std::string& version = "1",
            const std::string& name = "count") {
    const int before = done_;
    RememberedRuns all = runs(version, name);
    static_cast<void>(all.run(scenario, "arm", {}));
    all.keep();
    return done_ - before;
  }

  RunStore store_{":memory:"};
  int done_ = 0;
  bool infeasible_ = false;
  bool broken_ = false;
};

TEST_F(RememberedRunsTest, TellsWhatWasFoundAndDoesItOnce) {
  Scenario scenario;
  scenario.seed = 7;
  RememberedRuns all = runs();
  EXPECT_FALSE(all.known(scenario));
  for (const bool kept : {false, false, true, true}) {
    if (kept) all.keep();
    const auto record = all.run(scenario, "arm", {});
    ASSERT_TRUE(record);
    EXPECT_EQ(record->status, RunStatus::ok);
    EXPECT_EQ(record->arm, "arm");
    EXPECT_EQ(record->seed, 7);
    EXPECT_EQ(record->found.limit, "compute");
    ASSERT_EQ(record->found.metrics.size(), 2U);
    EXPECT_EQ(record->found.metrics[0].second, 7.0);
    EXPECT_EQ(record->found.metrics[1].second, std::nullopt);
  }
  EXPECT_EQ(done_, 1);
}

TEST_F(RememberedRunsTest, KeepsFailuresButThoseThatMayGoAway) {
  infeasible_ = true;
  EXPECT_EQ(times({}), 1);
  EXPECT_EQ(times({}), 0);
  const auto record = runs().known({});
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, RunStatus::infeasible);
  EXPECT_EQ(record->error, "no room at all");
  infeasible_ = false;
  broken_ = true;
  EXPECT_EQ(times({}, "2"), 1);
  EXPECT_EQ(times({}, "2"), 1);
}

TEST_F(RememberedRunsTest, ForgetsNothingOfWhatWasStopped) {
  RememberedRuns all(store_, "1", "stops",
                     [](const Scenario&, const std::stop_token&) { return std::nullopt; });
  EXPECT_FALSE(all.run({}, "arm", {}));
  EXPECT_FALSE(all.known({}));
}

void write_file(const std::filesystem::path& path, const char* text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fputs(text, file);
  std::fclose(file);
}

TEST_F(RememberedRunsTest, FollowVersionExperimentScenarioAndTraceContent) {
  const auto path = std::filesystem::temp_directory_path() / "terrace_identity_test.jsonl";
  const auto write = [&](const char* text) { write_file(path, text); };
  Scenario scenario;
  EXPECT_EQ(times(scenario), 1);
  EXPECT_EQ(times(scenario), 0);
  EXPECT_EQ(times(scenario, "2"), 1);
  EXPECT_EQ(times(scenario, "1", "other"), 1);
  scenario.seed = 1;
  EXPECT_EQ(times(scenario), 1);

  scenario.workload.trace.emplace();
  scenario.workload.trace->path = path.string();
  std::filesystem::remove(path);
  EXPECT_EQ(times(scenario), 1) << "no file";
  write("one");
  EXPECT_EQ(times(scenario), 1);
  write("two");
  EXPECT_EQ(times(scenario), 1) << "same path, same size, other content";
  write("one");
  EXPECT_EQ(times(scenario), 0);
  std::filesystem::remove(path);
}

TEST_F(RememberedRunsTest, FollowTheMeasuredTimesThatAreNamed) {
  const auto folder = std::filesystem::temp_directory_path() / "terrace_measured_identity_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  Scenario tables;
  tables.serving.cost.backend = CostBackend::table;
  tables.serving.cost.tables = folder.string();
  Scenario layers;
  layers.serving.cost.backend = CostBackend::layers;
  layers.serving.cost.profile = (folder / "tp1").string();
  const auto follows = [&](const Scenario& scenario, const char* name) {
    write_file(folder / name, "one");
    EXPECT_EQ(times(scenario), 1) << name << " is new";
    EXPECT_EQ(times(scenario), 0) << name;
    write_file(folder / name, "two");
    EXPECT_EQ(times(scenario), 1) << name << " was measured again";
  };
  for (const char* name : {"gemm.csv", "attention_decode.csv", "attention_prefill.csv",
                           "mla_decode.csv", "mla_prefill.csv", "nccl.csv", "allreduce.csv"}) {
    follows(tables, name);
  }
  EXPECT_EQ(times(layers), 1);
  for (const char* name :
       {"tp1_dense.csv", "tp1_per_sequence.csv", "tp1_attention.csv", "tp1_moe.csv"}) {
    follows(layers, name);
  }
  write_file(folder / "tp2_dense.csv", "of another profile");
  EXPECT_EQ(times(layers), 0);
  EXPECT_EQ(times(tables), 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace terrace
