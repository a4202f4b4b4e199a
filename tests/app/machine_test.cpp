// `--hw`: machines that were measured, in place of a scenario's hardware.

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

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
using testing::kSmall;
using ::testing::Not;
using testing::Outcome;
using testing::Workplace;

constexpr std::string_view kLab = R"(# The machine in the lab.
gpu:
  use: h100-sxm
  memory: 70 GiB
  sources: {memory: "measured: what could be allocated, 2026-11-22, high"}
host: dual-xeon-ddr5-2tib
ssd: {use: samsung-pm9a3, name: The lab's drive, queue_depth: 7}
drives_per_host: 3
)";

/// A workplace with a scenario, and the machine as a file and in a catalogue.
class Machines : public ::testing::Test {
 protected:
  Machines() {
    place_.write("small.yaml", kSmall);
    place_.write("lab.yaml", kLab);
    std::filesystem::create_directories(place_.at("own/hwprofiles/measured"));
    place_.write("own/hwprofiles/measured/lab-2026.yaml", kLab);
  }

  [[nodiscard]] std::string config(const std::string& line,
                                   std::vector<std::string> quoted = {}) const {
    const Outcome outcome =
        place_.terrace("run small.yaml --print-config --catalog own " + line, std::move(quoted));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  }

  void fails(const std::string& line, const std::string& message) const {
    const Outcome outcome = place_.terrace(line + " --catalog own");
    EXPECT_EQ(outcome.status, 3) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message));
  }

  Workplace place_;
};

TEST_F(Machines, TakeThePlaceOfTheScenariosHardwareByFileOrName) {
  const std::string by_file = config("--hw lab.yaml");
  EXPECT_THAT(by_file, AllOf(HasSubstr("    memory: 70 GiB\n"), HasSubstr("  drives_per_host: 3\n"),
                             HasSubstr("    name: \"The lab's drive\"\n")));
  EXPECT_EQ(config("--hw lab"), by_file);
  EXPECT_EQ(config("--hw lab-2026"), by_file);
  EXPECT_EQ(config("", {"--hw", place_.at("lab").string()}), by_file);
  EXPECT_EQ(config("", {"--set", "hardware=lab-2026"}), by_file);
  EXPECT_NE(config(""), by_file);
}

TEST_F(Machines, AreRunLikeAnyOtherHardware) {
  const Outcome named = place_.terrace("run small.yaml --hw lab --json");
  ASSERT_EQ(named.status, 0) << named.err;
  place_.write("spelled.yaml", config("--hw lab"));
  const Outcome spelled = place_.terrace("run spelled.yaml --json");
  json a = json::parse(named.out);
  json b = json::parse(spelled.out);
  EXPECT_EQ(a.at("mean_ttft_ms"), b.at("mean_ttft_ms"));
  EXPECT_EQ(a.at("verdict"), b.at("verdict"));
}

TEST_F(Machines, CanBeNamedInAScenarioWithOverrides) {
  std::string text(kSmall);
  const std::string parts = "{gpu: h100-sxm, host: dual-xeon-ddr5-2tib}";
  text.replace(text.find(parts), parts.size(),
               "{use: lab-2026, drives_per_host: 2, host: {dram: 64 GiB}, gpu: h200-sxm}");
  place_.write("small.yaml", text);
  const std::string all = config("", {"--set", "hardware.ssd.queue_depth=9"});
  EXPECT_THAT(all, AllOf(HasSubstr("  drives_per_host: 2\n"), HasSubstr("    dram: 64 GiB\n"),
                         HasSubstr("    queue_depth: 9\n"), HasSubstr("    memory: 143771 MiB\n"),
                         HasSubstr("name: \"The lab's drive\"\n")));
}

TEST_F(Machines, AreListedShownAndExplained) {
  const Outcome list = place_.terrace("list machines --catalog own");
  EXPECT_THAT(list.out, ContainsRegex("lab-2026 +70.* The machine in the lab\\.\n"));
  for (const char* name : {"lab-2026", "lab.yaml", "lab"}) {
    const Outcome shown = place_.terrace(std::string("hw show ") + name + " --catalog own");
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_THAT(shown.out, ContainsRegex("gpu.memory +70 GiB "));
    EXPECT_THAT(shown.out, HasSubstr("[measured, 2026-11-22, high] what could be allocated\n"));
    EXPECT_THAT(shown.out, ContainsRegex("ssd.queue_depth +7 "));
    EXPECT_THAT(shown.out, HasSubstr("outstanding per drive\n    [no source]\n"));
  }
  const Outcome explained = place_.terrace("config explain small.yaml --hw lab");
  EXPECT_THAT(explained.out, ContainsRegex("hardware.gpu.memory +70 GiB +lab.yaml:4:11 "));
}

TEST_F(Machines, AreMissedWhereThereAreNone) {
  std::filesystem::create_directories(place_.at("empty/hwprofiles/measured"));
  const Outcome list = place_.terrace("list machines --catalog empty");
  EXPECT_EQ(list.status, 0);
  if (list.out.empty()) {
    EXPECT_THAT(list.err, HasSubstr("there are no machines yet: 'terrace calibrate --out NAME'"));
  }
  EXPECT_EQ(place_.terrace("list machines --catalog own").err, "");
}

TEST_F(Machines, UnknownOnesGetTheNearest) {
  const std::string run = "run small.yaml --hw ";
  fails(run + "lab-2062", "lab-2062: error: there is no such machine; did you mean 'lab-2026'?");
  fails(run + "lap.yaml", "did you mean 'lab.yaml'?");
  fails(run + "h200-sxm", "'h200-sxm' is a GPU: --set hardware.gpu=h200-sxm");
  place_.write("empty.yaml", "# nothing yet\n");
  fails(run + "empty.yaml",
        "empty.yaml:1:1: error: this file is empty; it should say what 'hardware' is");
  fails(run + "nothing/like-it", "'terrace calibrate --out NAME' makes one");
  fails("sweep dram-size --dry-run --hw lab-2062", "did you mean 'lab-2026'?");
}

TEST_F(Machines, LackWhatTiersNeed) {
  place_.write("bare.yaml", "gpu: h100-sxm\nhost: dual-xeon-ddr5-2tib\n");
  fails("run offload-nvme --hw bare", "lies on NVMe, but the hosts have no drives");
}

TEST_F(Machines, StandWhereVerbsTakeAGpu) {
  const auto sequences = [&](const std::string& hw) {
    const Outcome outcome = place_.terrace(
        "footprint --models llama-3.1-8b --context 8k --json --catalog own --hw " + hw);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  };
  EXPECT_EQ(sequences("lab"), sequences("lab-2026"));
  EXPECT_NE(sequences("lab"), sequences("h100-sxm"));

  const Outcome both =
      place_.terrace("breakeven --model llama-3.1-8b --hw lab --gpu-price", {"3 USD/h", "--json"});
  ASSERT_EQ(both.status, 0) << both.err;
  EXPECT_THAT(both.out, HasSubstr("\"nvme\""));  // its drives need no --ssd
  const Outcome one = place_.terrace("breakeven --model llama-3.1-8b --hw h100-sxm --json");
  EXPECT_THAT(one.out, Not(HasSubstr("\"nvme\"")));
}

TEST_F(Machines, HaveASchemaThatScenariosShare) {
  const json schema = json::parse(place_.terrace("schema machine --catalog own").out);
  EXPECT_EQ(schema.at("required"), json::array({"gpu", "host"}));
  const json scenario = json::parse(place_.terrace("schema scenario --catalog own").out);
  const json& hardware = scenario.at("properties").at("hardware").at("anyOf");
  EXPECT_EQ(hardware.at(0).at("examples"), json::array({"lab-2026"}));
  EXPECT_EQ(hardware.at(2).at("properties"), schema.at("properties"));
}

}  // namespace
}  // namespace terrace
