// Files that say what cannot have been measured are refused, with the point and the file.

#include "calibrate/profile/run_check.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/profile/run_file.hpp"
#include "sim/config/catalogue.hpp"
#include "sim/config/diagnostics.hpp"
#include "tests/app/program.hpp"
#include "tests/calibrate/profile/synthetic_run.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;
using terrace::testing::full_run;
using terrace::testing::Processor;
using terrace::testing::RunMaker;
using terrace::testing::Workplace;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string told(const std::string& text) {
  try {
    static_cast<void>(check_run("mine.points.json", text));
  } catch (const config::ConfigError& e) {
    return e.what();
  }
  return "nothing";
}

/// What is said of a run with this patch (RFC 6902) in it.
std::string told_of(const std::string& path, Json value) {
  static const Json kWhole =
      Json::parse(points_text(RunMaker(Processor{}).memory().gemm().disk(true).run()));
  Json json = kWhole;
  json[Json::json_pointer(path)] = std::move(value);
  return told(json.dump());
}

std::string nested(int levels) {
  const auto n = static_cast<std::size_t>(levels);
  return std::string(n, '[') + std::string(n, ']');
}

TEST(RunCheck, RefusesFindingsThatSayNothing) {
  const Json good = {{"kernel", "memory/copy"},
                     {"families", {"memory"}},
                     {"ok", true},
                     {"error", 0.0},
                     {"bound", 0.0}};
  const auto told_of_finding = [&](const char* key, const Json& value) {
    Json finding = good;
    finding[key] = value;
    return told_of("/checks", Json::array({finding}));
  };
  EXPECT_EQ(told_of("/checks", Json::array({good})), "nothing");
  EXPECT_EQ(told_of_finding("error", nullptr), "nothing") << "infinitely far off";
  EXPECT_THAT(told_of("/checks", "none"), HasSubstr("checks: each has to say of which 'kernel'"));
  EXPECT_THAT(told_of_finding("kernel", 1), HasSubstr("of which 'kernel' it is"));
  EXPECT_THAT(told_of_finding("bound", "small"), HasSubstr("checks: memory/copy: bound is"));
  EXPECT_THAT(told_of_finding("error", -1), HasSubstr("error is -1"));
  EXPECT_THAT(told_of_finding("families", "memory"), HasSubstr("'families' has to be a list"));
  EXPECT_THAT(told_of_finding("failure", 1), HasSubstr("'failure' has to be a text"));
}

TEST(RunCheck, TakesWhatIsMeasured) {
  EXPECT_EQ(told(points_text(full_run())), "nothing");
  EXPECT_EQ(told_of("/points/0/x/op", "a \"]}]}\\ word"), "nothing");
  EXPECT_EQ(told_of("/host/disk", Json::parse(nested(60))), "nothing");
  EXPECT_EQ(told_of("/host/cores", 0), "nothing") << "not told by the system";
}

TEST(RunCheck, SaysWhatWasNeverMeasured) {
  const std::string id = "mine.points.json:1: error: memory/read/1048576/cold";
  for (const auto& [path, value] : std::vector<std::pair<std::string, Json>>{
           {"median", -1},     {"median", 0},      {"median", 1e16},
           {"median", 1e-16},  {"median", "5"},    {"median", nullptr},
           {"p10", -1},        {"p90", -0.5},      {"min", 1e300},
           {"mad", -1e-9},     {"n", 0},           {"n", "many"},
           {"unit", "parsec"}, {"unit", 5},        {"x/bytes", 0},
           {"x/bytes", -4096}, {"x/bytes", "big"}, {"x/bytes", nullptr},
           {"x/op", nullptr},  {"x/op", {1, 2}},   {"x", 5},
           {"family", ""},     {"ok", "yes"},      {"l2", 5},
           {"flags", 5},       {"flags", {5}},     {"series", {1, "a"}},
           {"p10", 1e14},      {"p90", 1e-14},     {"n", 1.5},
           {"median", "NaN"}}) {
    EXPECT_THAT(told_of("/points/0/" + path, value),
                AllOf(HasSubstr(id), Not(HasSubstr("json.exception"))))
        << path << " " << value;
  }
  for (const auto& [path, value, said] : std::vector<std::tuple<std::string, Json, std::string>>{
           {"/points/0/id", "", "points[0]: 'id'"},
           {"/points/1/id", "memory/read/1048576/cold", "two points have this id"},
           {"/points/3", 5, "points[3]: has to be a mapping"},
           {"/points", 5, "'points' has to be a list"},
           {"/sentinels/0", {{"t_s", "now"}}, "sentinels[0]: t_s is \"now\""},
           {"/host", "a desk", "'host' has to be a mapping"},
           {"/host/memory_mib", 0, "host: memory_mib is 0"},
           {"/host/memory_mib", 1e10, "host: memory_mib"},
           {"/host/cores", -4, "host: cores is -4"},
           {"/host/cores", 1e7, "host: cores"},
           {"/host/cores", "four", "host: cores is \"four\""},
           {"/created", 5, "'created' has to be a time"}}) {
    EXPECT_THAT(told_of(path, value),
                AllOf(HasSubstr("mine.points.json:"), HasSubstr("error: "), HasSubstr(said)))
        << path;
  }
}

TEST(RunCheck, SaysOnWhichLineAPointIs) {
  MeasuredRun run = full_run();
  run.points[2].sample.median = -1;
  const std::string text = points_text(run);
  const auto at = text.find("\"" + run.points[2].id + "\"");
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  EXPECT_THAT(told(text), HasSubstr(fmt::format("mine.points.json:{}: error: {}: median is -1",
                                                line, run.points[2].id)));
}

TEST(RunCheck, ListsNoMoreMistakesThanHelp) {
  MeasuredRun run = full_run();
  for (MeasuredPoint& point : run.points) point.sample.median = -1;
  const std::string all = told(points_text(run));
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 20);
}

TEST(RunCheck, TellsWhatIsNoCalibration) {
  EXPECT_THAT(told("[]"), HasSubstr("it is JSON, but a list"));
  EXPECT_THAT(told("null"), HasSubstr("it is JSON, but null"));
  EXPECT_THAT(told("{\"a\""), HasSubstr("not JSON, or not whole"));
  EXPECT_THAT(told("{}"), HasSubstr("'schema'"));
}

class RunFiles : public ::testing::Test {
 protected:
  void fails(const std::string& line, const std::string& message) const {
    const auto outcome = place_.terrace(line);
    EXPECT_EQ(outcome.status, 3) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message)) << line;
  }
  Workplace place_;
};

TEST_F(RunFiles, ThatAreNestedDeeplyAreRefused) {
  for (const int levels : {65, 100'000}) {
    std::string text = points_text(RunMaker(Processor{}).memory().run());
    const std::string host = "\"host\": {";
    text.insert(text.find(host) + host.size(), "\"deep\": " + nested(levels) + ", ");
    place_.write("deep.points.json", text);
    fails("calibrate report deep", "deep.points.json: error: nested more than 64 levels deep");
    fails("calibrate compare deep deep", "nested more than 64 levels deep");
  }
}

TEST_F(RunFiles, WithoutProductsAreReportedAndCompared) {
  place_.write("part.points.json", points_text(RunMaker(Processor{}).memory().run()));
  const auto report = place_.terrace("calibrate report part");
  ASSERT_EQ(report.status, 0) << report.err;
  EXPECT_THAT(report.out, AllOf(HasSubstr("no profile: that needs the family 'gemm', too"),
                                HasSubstr("memory: link, copies")));
  place_.write("read.points.json", points_text([] {
                 MeasuredRun run = RunMaker(Processor{}).memory().run();
                 std::erase_if(run.points, [](const auto& p) { return p.x["op"] != "read"; });
                 return run;
               }()));
  EXPECT_THAT(
      place_.terrace("calibrate report read").out,
      AllOf(HasSubstr("What no law is made of\npoint"), HasSubstr("memory/read/1048576/cold  ")));
  const auto compared = place_.terrace("calibrate compare part part");
  EXPECT_EQ(compared.status, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("memory"));
  EXPECT_THAT(compared.err, HasSubstr("part: no profile: that needs the family 'gemm', too"));
  fails("calibrate report part --profile part.yaml", "part.points.json: error: no profile");
  EXPECT_FALSE(std::filesystem::exists(place_.at("part.yaml")));
}

TEST_F(RunFiles, MakeNoProfileThatWouldNotBeRead) {
  MeasuredRun run = full_run();
  run.tool["extent"]["cache_bytes"] = 1e300;
  place_.write("odd.points.json", points_text(run));
  fails("calibrate report odd --profile odd.yaml",
        "odd.points.json: error: no profile: what was measured makes none: 'l2' must be a size");
  EXPECT_FALSE(std::filesystem::exists(place_.at("odd.yaml")));
  const config::Catalogue catalogue({TERRACE_SOURCE_DIR});
  EXPECT_THROW(machine_profile(run, catalogue), config::ConfigError);
  const MachineProfile laws = laws_and_machine(run, catalogue);
  EXPECT_FALSE(laws.families.empty());
  EXPECT_THAT(laws.missing, HasSubstr("'l2' must be a size"));
}

TEST_F(RunFiles, HaveNoTimesToFitThatCannotBe) {
  place_.write("odd.csv", "m,n,k,dtype,latency_us\n1,2,3,bf16,1e300\n1,2,4,bf16,1e-20\n");
  fails("calibrate fit --points odd.csv --form gemm --gpu h200-sxm",
        "odd.csv:2:12: error: a time of 1e300, not from 1e-15 to 1e+15");
}

TEST_F(RunFiles, AreFoundByTheNameOfTheirProfile) {
  std::filesystem::create_directory(place_.at("here"));
  place_.write("here/vm.points.json", points_text(RunMaker(Processor{}).gemm().run()));
  place_.write("here/vm.yaml", "gpu: h100-sxm\n");
  fails("calibrate compare here/vm here/vm.yaml", "did you mean 'here/vm'?");
  fails("run quickstart --hw here/vm.points.json", "did you mean 'here/vm.yaml'?");
  fails("run quickstart --hw here", "here: error: this is a directory");
}

}  // namespace
}  // namespace terrace::calibrate
