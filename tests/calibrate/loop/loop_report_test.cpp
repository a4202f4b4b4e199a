// What is said of a closed loop, made by hand: the report, the JSON, the files, and the verdicts.

#include "calibrate/loop/loop_report.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "calibrate/loop/error_bound.hpp"
#include "sim/app/exit_code.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

constexpr auto at(Quantity quantity) { return static_cast<std::size_t>(quantity); }

/// Steps are 5 % and 8 % off; what is loaded from the file was not foreseen, if it is in it.
LoopResult by_hand(bool with_file) {
  LoopResult r;
  r.device = "a processor";
  r.options.disk = "here";
  r.runs = 3;
  const MoveTimes times = {{1, std::chrono::microseconds(10)},
                           {64, std::chrono::microseconds(640)}};
  r.calibration.moves = {times, times, times, times};
  r.caveats = {"no O_DIRECT on overlay"};
  r.workloads.push_back({"calm", "in a line", false, false, 0, {}});
  r.workloads[0].quantities = {{at(Quantity::prompt_step), 0.1, 0.01, 0.105},
                               {at(Quantity::decode_step), 0.01, 0.01, 0.0092},
                               {at(Quantity::peak_blocks), 40, 0, 40}};
  if (with_file) {
    r.workloads.push_back({"evicting", "in a line", true, true, 0.3, {}});
    r.workloads[1].quantities = {{at(Quantity::file_load), 0.02, 0.1, 0}};
  }
  return r;
}

LoopResult nothing_judged() {
  LoopResult r = by_hand(false);
  r.workloads[0].quantities = {{at(Quantity::peak_blocks), 40, 0, 40}};
  return r;
}

TEST(LoopReport, TellsPeopleWhatIsOff) {
  EXPECT_THAT(
      loop_text(by_hand(false)),
      AllOf(HasSubstr("a processor"), HasSubstr("no O_DIRECT on overlay"),
            HasSubstr("within 10.0 %"), Not(HasSubstr("MISSES")), Not(HasSubstr("disturbed"))));
  EXPECT_THAT(loop_text(by_hand(true)),
              AllOf(HasSubstr("evicting (disturbed)"), HasSubstr("none"), HasSubstr("-100.0"),
                    HasSubstr("P90 81.6 %, MISSES 25.0 %")));
  EXPECT_THAT(loop_text(nothing_judged()), HasSubstr("nothing of the kind happened"));
}

TEST(LoopReport, TellsProgramsWhatIsOff) {
  const Json json = Json::parse(loop_json(by_hand(true)));
  const Json& file = json["workloads"][1]["quantities"]["file_load"];
  EXPECT_EQ(file["measured"], 0.02);
  EXPECT_TRUE(file["predicted"].is_null());
  EXPECT_EQ(file["error_percent"], -100);
  EXPECT_EQ(json["errors"]["steps_and_loads"]["cases"], 3);
  EXPECT_EQ(json["bounds"]["met"], false);
  EXPECT_EQ(Json::parse(loop_json(by_hand(false)))["bounds"]["met"], true);
  EXPECT_EQ(Json::parse(loop_json(nothing_judged()))["bounds"]["met"], false);
}

TEST(LoopReport, WritesFiles) {
  const TemporaryDirectory directory;
  const auto where = directory.path() / "loop";
  write_loop(by_hand(true), where);
  const auto content = [&](const char* name) {
    std::ifstream file(where / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_THAT(content("workloads.csv"), HasSubstr("calm,no,no,peak_blocks,blocks,40,40,0,0\n"));
  EXPECT_THAT(content("workloads.csv"), HasSubstr("evicting,yes,yes,file_load,s,0.02,,-100,10\n"));
  EXPECT_EQ(content("summary.json"), loop_json(by_hand(true)));
  EXPECT_THAT(content("predicted.svg"), HasSubstr("</svg>"));
}

TEST(LoopBounds, AreMissedByWhatIsOffAndByWhatDidNotHappen) {
  const auto lines = [](const char* bound, const LoopResult& r) {
    return missed({parse_error_bound(bound)}, r.workloads);
  };
  EXPECT_THAT(lines("steps_median>10%", by_hand(false)), IsEmpty());
  EXPECT_THAT(lines("steps_median>6%", by_hand(false)),
              ElementsAre("steps_median is 6.5 %, more than 6 %"));
  EXPECT_THAT(lines("file_load_bias>50%", by_hand(true)),
              ElementsAre("file_load_bias is 100.0 %, more than 50 %"));
  EXPECT_THAT(lines("loads_p90>50%", by_hand(false)),
              ElementsAre("loads_p90 is not known: nothing of the kind happened"));
  EXPECT_THROW(parse_error_bound("step_median>1%"), app::UsageError);
  EXPECT_THROW(parse_error_bound("steps_median>1"), app::UsageError);
}

TEST(LoopBounds, EndTheProgramWithFiveIfOneIsMissed) {
  const auto bound = {parse_error_bound("loads_p90>50%")};
  EXPECT_EQ(exit_code_of(missed({}, by_hand(false).workloads)), app::ExitCode::ok);
  EXPECT_EQ(static_cast<int>(exit_code_of(missed(bound, by_hand(false).workloads))), 5);
}

}  // namespace
}  // namespace terrace::calibrate
