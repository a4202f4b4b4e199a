// `terrace hw show`, and the figures of `terrace list`.

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::Workplace;

/// The entry of `all` with this key.
json by_key(const json& all, const std::string& key) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const json& one) { return one.at("key") == key; });
  EXPECT_NE(found, all.end()) << key;
  return found != all.end() ? *found : json();
}

json shown(const Workplace& place, const std::string& name) {
  const Outcome outcome = place.terrace("hw show " + name + " --json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return json::parse(outcome.out);
}

TEST(Hw, ShowsNumbersWithTheirUnitsAndSources) {
  const Workplace place;
  const Outcome outcome = place.terrace("hw show h200-sxm");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("gpus/h200-sxm: H200 SXM\n"));
  EXPECT_THAT(outcome.out, ContainsRegex("\nmemory +143771 MiB +HBM of one GPU, as nvidia-smi"));
  EXPECT_THAT(outcome.out, HasSubstr("[measured, 2026-10, high] nvidia-smi on an H200 SXM\n"));
  EXPECT_THAT(outcome.out, ContainsRegex("\nprice.typical +35000 USD "));
  EXPECT_THAT(outcome.out, ContainsRegex("\nridge_bf16 +206.1 FLOP/B "));
}

TEST(Hw, JsonTellsNumbersUnitsAndSourcesApart) {
  const Workplace place;
  const json gpu = shown(place, "h200-sxm");
  EXPECT_EQ(gpu.at("kind"), "gpus");
  const json l2 = by_key(gpu.at("figures"), "l2");
  EXPECT_EQ(l2.at("value"), 60);
  EXPECT_EQ(l2.at("unit"), "MiB");
  EXPECT_EQ(l2.at("source").at("kind"), "measured");
  EXPECT_EQ(l2.at("source").at("date"), "2026-10-28");
  EXPECT_THAT(l2.at("source").at("where").get<std::string>(), HasSubstr("datasheet says 50"));
  EXPECT_EQ(by_key(gpu.at("figures"), "host_link.bus").at("value"), "PCIe 5.0 x16");
  // By hand: 989.4 / 4.8, 55.4 / 63, 35000 / 3.8.
  EXPECT_NEAR(by_key(gpu.at("derived"), "ridge_bf16").at("value"), 206.125, 1e-9);
  EXPECT_NEAR(by_key(gpu.at("derived"), "host_link_share").at("value"), 87.9365, 1e-4);
  EXPECT_NEAR(by_key(gpu.at("derived"), "rent_to_price").at("value"), 9210.526, 1e-3);
}

TEST(Hw, TellsWhatADriveIsInEveryCapacity) {
  const Workplace place;
  const json ssd = shown(place, "samsung-pm9a3");
  ASSERT_EQ(ssd.at("capacities").size(), 4);
  const json& small = ssd.at("capacities").at(1);
  EXPECT_EQ(small.at("capacity").at("value"), 1.92);
  EXPECT_EQ(small.at("source").at("kind"), "datasheet");
  EXPECT_EQ(ssd.at("capacities").at(0).at("source").at("kind"), "assumed");
  EXPECT_NEAR(by_key(small.at("figures"), "write").at("value"), 2.7, 1e-12);
  // 1.92 TB x 1 per day x 1825 days; 357 USD/TB.
  EXPECT_NEAR(by_key(small.at("figures"), "rated_writes").at("value"), 3504, 1e-9);
  EXPECT_NEAR(by_key(small.at("figures"), "price_typical").at("value"), 685.44, 1e-9);
  // 357 / (1825 writes of each TB) of the default capacity.
  EXPECT_NEAR(by_key(ssd.at("derived"), "wear_price").at("value"), 0.195616, 1e-6);
  EXPECT_EQ(by_key(ssd.at("figures"), "write.bandwidth").at("value"), 4.1);
  EXPECT_EQ(by_key(ssd.at("figures"), "write.bandwidth").at("source").at("kind"), "datasheet");
}

TEST(Hw, ShowsEverythingThereIsAndSourcesAllOfIt) {
  const Workplace place;
  for (const std::string kind : {"gpus", "hosts", "ssds", "networks"}) {
    std::istringstream lines(place.terrace("list " + kind).out);
    for (std::string line; std::getline(lines, line);) {
      const std::string name = line.substr(0, line.find(' '));
      const json profile = shown(place, name);
      EXPECT_EQ(profile.at("kind"), kind);
      EXPECT_FALSE(profile.at("derived").empty()) << name;
      for (const json& figure : profile.at("figures")) {
        if (figure.at("value").is_number()) {
          EXPECT_FALSE(figure.at("source").is_null()) << name << ": " << figure.at("key");
        }
      }
    }
  }
}

TEST(Hw, NamesTheNearestOfWhatThereIsNot) {
  const Workplace place;
  const Outcome part = place.terrace("hw show h200");
  EXPECT_EQ(part.status, 2);
  EXPECT_THAT(part.err, HasSubstr("no hardware is called 'h200'; did you mean"));
  EXPECT_THAT(part.err, HasSubstr("did you mean h200-nvl or h200-sxm?"));
  EXPECT_THAT(place.terrace("hw show samsung-pm9a4").err, HasSubstr("did you mean samsung-pm9a3?"));
  EXPECT_THAT(place.terrace("hw show nothing-of-the-kind").err, HasSubstr("'terrace list'"));
  EXPECT_EQ(place.terrace("hw list h200-sxm").status, 2);
}

TEST(Hw, AsksWhichIfTwoHaveTheName) {
  const Workplace place;
  for (const char* folder : {"cat/hwprofiles/gpus", "cat/hwprofiles/hosts"}) {
    testing::fs::create_directories(place.at(folder));
  }
  place.write("cat/hwprofiles/hosts/twin.yaml", "{name: t, dram: 1 TiB, dram_bandwidth: 1 GB/s}\n");
  place.write("cat/hwprofiles/gpus/twin.yaml", "{name: t}\n");
  const Outcome both = place.terrace("hw show twin --catalog cat");
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.err, HasSubstr("write gpus/twin or hosts/twin"));
  EXPECT_EQ(place.terrace("hw show hosts/twin --catalog cat").status, 0);
  const Outcome wrong = place.terrace("hw show gpus/twin --catalog cat");
  EXPECT_EQ(wrong.status, 3);
  EXPECT_THAT(wrong.err, HasSubstr("twin.yaml:1:1"));
}

TEST(Hw, AnUnsourcedNumberSaysSo) {
  const Workplace place;
  testing::fs::create_directories(place.at("cat/hwprofiles/hosts"));
  place.write("cat/hwprofiles/hosts/mine.yaml",
              "{name: mine, dram: 1 TiB, dram_bandwidth: 100 GB/s}\n");
  const Outcome outcome = place.terrace("hw show mine --catalog cat");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("[no source]"));
}

TEST(Hw, ALongNameLeavesRoomForWhatNumbersMean) {
  const Outcome shown = Workplace().terrace(
      "hw show", {TERRACE_SOURCE_DIR "/reports/calibration/results/two-vcpus.yaml"});
  ASSERT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("vectors of 512 bits\n"));
  std::istringstream lines(shown.out);
  int words = 0;
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    for (std::string word; in >> word;) ++words;
    ++count;
  }
  EXPECT_GE(words, 5 * count) << "columns of single words";
}

TEST(Hw, ListTellsKeyFigures) {
  const Workplace place;
  EXPECT_THAT(
      place.terrace("list gpus").out,
      ContainsRegex("\nh200-sxm +140 GiB +4,800 GB/s +989.4 TFLOP/s +700 W +35000 USD  NV"));
  EXPECT_THAT(place.terrace("list ssds").out,
              ContainsRegex("\nmicron-9550-max +3.2 TB-25.6 TB +14.00 GB/s +10.00 GB/s +3 DWPD"));
  EXPECT_THAT(place.terrace("list hosts").out,
              ContainsRegex("\ndual-xeon-ddr5-2tib +2.00 TiB +520.0 GB/s +11 USD/GB  Two"));
  EXPECT_THAT(place.terrace("list networks").out,
              ContainsRegex("\ns3-100g +4.800 GB/s +40 ms +store 100.0 GB/s  An object"));
}

TEST(Hw, AScenarioMayChooseAnotherCapacity) {
  const Workplace place;
  const Outcome none =
      place.terrace("run quickstart --print-config --set", {"hardware.ssd.capacity=2 TB"});
  EXPECT_EQ(none.status, 3);
  EXPECT_THAT(none.err, AllOf(HasSubstr("there is no Samsung PM9A3 of 2 TB"),
                              HasSubstr("the nearest has 1.92 TB")));
  const Outcome chosen =
      place.terrace("run quickstart --print-config --set", {"hardware.ssd.capacity=1.92 TB"});
  EXPECT_EQ(chosen.status, 0) << chosen.err;
  EXPECT_THAT(chosen.out, ContainsRegex("write:\n +latency: 20 us\n +stream: 2.5 GB/s\n +iops: "
                                        "130000\n +bandwidth: 2.7 GB/s\n"));
}

}  // namespace
}  // namespace terrace
