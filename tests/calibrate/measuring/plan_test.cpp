// What is planned, of what a user asks for and a machine has.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/measuring/device.hpp"
#include "calibrate/measuring/run.hpp"
#include "sim/app/exit_code.hpp"

namespace terrace::calibrate {
namespace {

TEST(PlanOf, LeavesOutWhatTheMachineHasNot) {
  static const auto one = [](std::string id) {
    std::vector<Measurement> all(1);
    all[0].id = std::move(id);
    return all;
  };
  const Family any{.name = "any", .summary = "", .plan = [](const Extent&) { return one("a"); }};
  const Family gpu{.name = "gpu", .summary = "", .needs_gpu = true, .plan = [](const Extent&) {
                     return one("b");
                   }};
  const Family disk{.name = "disk", .summary = "", .needs_disk = true, .plan = [](const Extent&) {
                      return one("c");
                    }};
  const std::vector<const Family*> all = {&any, &gpu, &disk};
  EXPECT_EQ(plan_of(all, {}).size(), 1U);
  EXPECT_EQ(plan_of(all, {.gpu = true}).size(), 2U);
  EXPECT_EQ(plan_of(all, {.gpu = true, .disk = Bytes{1}}).size(), 3U);
}

TEST(PlanOf, SaysOfWhatIsNotPlannedOnlyWhatIsMissing) {
  const auto why = [](const char* list, const Extent& extent) {
    return why_nothing(chosen_families(list, families()), extent);
  };
  EXPECT_EQ(why("gds", {}), "nothing to measure; gds needs a GPU; gds needs --disk DIR");
  EXPECT_EQ(why("gds", {.gpu = true}), "nothing to measure; gds needs --disk DIR");
  EXPECT_EQ(why("gds", {.disk = Bytes{1}}), "nothing to measure; gds needs a GPU");
  EXPECT_EQ(why("gds", {.gpu = true, .disk = Bytes{1}}),
            "nothing to measure; gds needs GPUDirect Storage");
  EXPECT_EQ(why("ssd", {.gpu = true}), "nothing to measure; ssd needs --disk DIR");
}

TEST(PlanOf, HeavyWritesAreTheLastOfThePlan) {
  const std::set<std::string> last = {"ssd/sustained_write", "disk_interference/read/4096/write",
                                      "disk_interference/read/1048576/write"};
  const Extent extent{.disk = Bytes{1 << 30}};
  for (const Planned& planned :
       plan_of(chosen_families("ssd,disk_interference", families()), extent)) {
    EXPECT_EQ(planned.measurement.last, last.contains(planned.measurement.id));
  }
}

TEST(ChosenFamilies, KeepTheirOrderAndNameTheNearest) {
  const Family one{.name = "gemm", .summary = ""};
  const Family two{.name = "decode_attention", .summary = ""};
  const std::vector<const Family*> all = {&one, &two};
  EXPECT_EQ(chosen_families("decode_attention, gemm", all), all);
  EXPECT_EQ(chosen_families("gemm", all), std::vector<const Family*>{&one});
  try {
    chosen_families("gemm,decode_atention", all);
    FAIL() << "there is no such family";
  } catch (const app::UsageError& e) {
    EXPECT_STREQ(e.what(), "--only: no family 'decode_atention'; did you mean 'decode_attention'?");
  }
  for (const char* list : {"", ",", " ", "gemm,", "gemm,,decode_attention", "gemm, gemm"}) {
    try {
      chosen_families(list, all);
      FAIL() << "'" << list << "' names no families";
    } catch (const app::UsageError& e) {
      EXPECT_NE(std::string(e.what()).find("gemm, decode_attention"), std::string::npos) << list;
    }
  }
}

TEST(Pace, IsTheSameForMostRatesThatVaryALittle) {
  int different = 0;
  int all = 0;
  for (double rate = 1e9; rate < 1e15; rate *= 1.01, ++all) {
    const double pace = coarse(rate);
    EXPECT_TRUE(pace >= rate / 2.001 && pace <= rate * 2.001) << rate;
    EXPECT_EQ(coarse(pace), pace);
    different += coarse(1.1 * rate) != pace ? 1 : 0;
  }
  EXPECT_LT(different, 0.08 * all);  // ln 1.1 / ln 4
}

}  // namespace
}  // namespace terrace::calibrate
