#include "sim/report/csv.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "sim/report/request_csv.hpp"
#include "sim/report/series_csv.hpp"
#include "tests/metrics/stage.hpp"
#include "tests/report/scratch.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;

std::string why(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Csv, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(csv_quoted("plain text"), "plain text");
  EXPECT_EQ(csv_quoted("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_quoted("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_quoted("two\nlines"), "\"two\nlines\"");
}

TEST(Csv, WritesTimesExactlyWithoutTrailingZeros) {
  const Scratch scratch;
  CsvFile file(scratch / "t.csv");
  for (const Duration d : {Duration{0}, Duration{1}, Duration{1s}, Duration{1500ms}, Duration{-3ms},
                           Duration{123'456'789'012'345}}) {
    file.seconds(d);
    file.milliseconds(d);
    file.end_row();
  }
  file.close();
  EXPECT_EQ(content_of(scratch / "t.csv"),
            "0,0\n"
            "0.000000000001,0.000000001\n"
            "1,1000\n"
            "1.5,1500\n"
            "-0.003,-3\n"
            "123.456789012345,123456.789012345\n");
}

TEST(Csv, WritesNumbersThatReadBackTheSame) {
  const Scratch scratch;
  CsvFile file(scratch / "t.csv");
  file.number(std::numeric_limits<std::int64_t>::min());
  file.number(0.1);
  file.nothing();
  file.number(1e300);
  file.text("a,b");
  file.end_row();
  file.close();
  EXPECT_EQ(content_of(scratch / "t.csv"), "-9223372036854775808,0.1,,1e+300,\"a,b\"\n");
}

TEST(Csv, ADeviceIsWrittenToAndNotReplaced) {
  const Scratch scratch;
  std::filesystem::create_symlink("/dev/full", scratch / "t.csv");
  EXPECT_EQ(why([&] { replace_file(scratch / "t.csv", "x"); }),
            "cannot write " + (scratch / "t.csv").string() + ": No space left on device");
  EXPECT_TRUE(std::filesystem::is_symlink(scratch / "t.csv"));
}

TEST(Csv, AFullDiskIsToldWithItsPath) {
  EXPECT_EQ(why([] { write_file("/dev/full", "x"); }),
            "cannot write /dev/full: No space left on device");
  EXPECT_EQ(why([] {
              CsvFile file("/dev/full");
              for (int i = 0; i < 100'000; ++i) file.text("not only when it is closed");
              file.end_row();
            }),
            "cannot write /dev/full: No space left on device");
}

TEST(Csv, AFileThatCannotBeOpenedIsToldWithItsPath) {
  EXPECT_EQ(why([] { CsvFile file("/dev/null/x.csv"); }),
            "cannot write /dev/null/x.csv: Not a directory");
}

TEST(RequestCsv, HasARowForEveryRequestThatLeft) {
  const Scratch scratch;
  const Stage stage;
  RequestCsv csv(scratch / "requests.csv");
  csv.on_start(stage.view());

  Request r = finished(0, 0, 1500ms, 10ms, 40ms, 11);
  r.replica = ReplicaId{1};
  r.hbm_hits = Tokens{16};
  r.tier_hits = Tokens{32};
  r.preemptions = 2;
  r.recomputed = Tokens{77};
  csv.on_left(r, SimTime{2s});
  csv.on_left(finished(2, 1, 2s, 0ms, 1ms + Duration{1}, 1), SimTime{2001ms});
  Request rejected;
  rejected.number = 1;
  rejected.client = 1;
  rejected.arrived = SimTime{1750ms};
  rejected.prompt = Tokens{9000};
  rejected.output = Tokens{5};
  rejected.rejection = Rejection::exceeds_kv_capacity;
  csv.on_left(rejected, SimTime{1750ms});
  csv.close();
  EXPECT_EQ(content_of(scratch / "requests.csv"),
            "request,arrival_s,client,prompt_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms,queue_ms,"
            "kv_load_ms,prefill_ms,other_ms,hbm_hit_tokens,tier_hit_tokens,preemptions,"
            "recomputed_tokens,replica,status\n"
            "0,1.5,talk,100,11,40,46,500,10,0,30,0,16,32,2,77,1,completed\n"
            "2,2,huge,100,1,1.000000001,,1,0,0,1.000000001,0,0,0,0,0,0,completed\n"
            "1,1.75,huge,9000,5,,,,,,,,0,0,0,0,,exceeds_kv_capacity\n");
}

TEST(RequestCsv, AFullDiskStopsTheRunNotOnlyItsEnd) {
  const Scenario scenario = scenario_of(kTwoTiers);
  RequestCsv csv("/dev/full");
  Simulation simulation(scenario, {&csv});
  EXPECT_EQ(why([&] {
              simulation.run();
              csv.close();
            }),
            "cannot write /dev/full: No space left on device");
}

TEST(SeriesCsv, HasARowForEveryReplicaAndForAll) {
  const Scratch scratch;
  Stage stage;
  SeriesCsv csv(scratch / "timeseries.csv", stage.block_bytes());
  csv.on_start(stage.view());
  stage.outcome.tokens = 5;
  stage.step(csv, 1, 10ms, 30ms);
  Request r = finished(0, 0, 0s, 1ms, 2ms, 1);
  r.replica = ReplicaId{1};
  csv.on_left(r, SimTime{30ms});
  csv.on_sample(SimTime{500ms});
  csv.on_end(SimTime{500ms});
  csv.close();
  EXPECT_EQ(content_of(scratch / "timeseries.csv"),
            "time_s,replica,running,waiting,loading,held_blocks,occupied_blocks,completed,"
            "output_tokens,preemptions,busy_s,dram_occupied_bytes,flash_occupied_bytes\n"
            "0.5,0,0,0,0,0,0,0,0,0,0,0,0\n"
            "0.5,1,0,0,0,0,0,1,5,0,0.02,0,0\n"
            "0.5,all,0,0,0,0,0,1,5,0,0.02,0,0\n");
}

}  // namespace
}  // namespace terrace
