// Kernels are proven before they are timed: what is wrong is found, and its families are left out.

#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/measuring/points_file.hpp"
#include "calibrate/measuring/proven.hpp"
#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/profile/profile_report.hpp"
#include "calibrate/profile/run_file.hpp"
#include "tests/app/program.hpp"
#include "tests/calibrate/measuring/spoiled_set.hpp"
#include "tests/calibrate/profile/synthetic_run.hpp"

namespace terrace::calibrate {
namespace {

using kernels::proof::DecodeKernel;
using kernels::proof::GemmKernel;
using terrace::tests::SpoiledSet;
using terrace::tests::Spoilt;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Families of two points each, that measure nothing but are of these kernels.
class Laboratory {
 public:
  Laboratory() {
    add(products_, {GemmKernel{}});
    add(decodes_, {DecodeKernel{.head_dim = 64, .group = 4}});
    add(both_, {GemmKernel{}, DecodeKernel{.head_dim = 64, .group = 4}});
    add(disk_, {});
  }

  /// A part of the run, on a device that is wrong in this way, of so many points.
  bool run(Spoilt how, std::size_t points = 100) {
    SpoiledSet set(how);
    Bench bench{.kernels = set};
    timed_.clear();
    const RunWorld world{.clock = [] { return 0.0; },
                         .sentinel =
                             [] {
                               return std::vector{std::pair{std::string("rate"), 1.0}};
                             },
                         .stop = [&] { return timed_.size() >= points; },
                         .progress = [](const RunProgress&) {}};
    if (auto found = Journal::read(path())) so_far_ = std::move(found->progressed);
    EXPECT_TRUE(prove_kernels(plan_, bench, world, so_far_));
    Journal journal(path(), so_far_);
    return measure(plan_, bench, 1, DriftRule{}, world, journal, so_far_);
  }

  /// What a session does whose device is lost while kernels are proven.
  void lose() {
    SpoiledSet set(Spoilt::breaks);
    Bench bench{.kernels = set};
    RunWorld world;
    world.stop = [] { return false; };
    world.progress = [](const RunProgress&) {};
    EXPECT_THROW(prove_kernels(plan_, bench, world, so_far_), kernels::DeviceLost);
    const Journal journal(path(), so_far_);
  }

  [[nodiscard]] std::filesystem::path path() const { return place_.at("journal"); }
  [[nodiscard]] const std::set<std::string>& timed() const { return timed_; }

  /// Families without a sample, at the end.
  [[nodiscard]] std::set<std::string> missing() const {
    std::set<std::string> all;
    for (const MeasuredPoint& point : points_of(plan_, so_far_)) {
      EXPECT_EQ(point.error.empty(), point.sample.median > 0);
      if (point.error.empty()) continue;
      EXPECT_THAT(point.error, HasSubstr("is wrong on this device: "));
      all.insert(point.family);
    }
    return all;
  }

 private:
  void add(const Family& family, std::vector<TimedKernel> kernels) {
    for (const char* which : {"/a", "/b"}) {
      Planned& planned = plan_.emplace_back();
      planned.family = &family;
      planned.measurement.id = std::string(family.name) + which;
      planned.measurement.x = nlohmann::ordered_json::object();
      planned.measurement.unit = "us";
      planned.measurement.kernels = kernels;
      planned.measurement.measure = [this, name = std::string(family.name)](Bench&) {
        timed_.insert(name);
        return Sample{.median = 1, .p10 = 1, .p90 = 1, .min = 1, .n = 15};
      };
    }
  }

  testing::Workplace place_;
  Family products_{.name = "products", .summary = ""};
  Family decodes_{.name = "decodes", .summary = ""};
  Family both_{.name = "both", .summary = ""};
  Family disk_{.name = "disk", .summary = ""};
  std::vector<Planned> plan_;
  Progressed so_far_{.header = {{"run", "of a test"}}, .sentinels = {}, .points = {}};
  std::set<std::string> timed_;
};

TEST(ProvenRun, LeavesOutWhatTimesAWrongKernelAndGoesOnWithTheRest) {
  Laboratory laboratory;
  EXPECT_TRUE(laboratory.run(Spoilt::decode_head));
  EXPECT_THAT(laboratory.timed(), ElementsAre("disk", "products"));
  EXPECT_THAT(laboratory.missing(), ElementsAre("both", "decodes"));
}

TEST(ProvenRun, TimesAllWhereAllIsRight) {
  Laboratory laboratory;
  EXPECT_TRUE(laboratory.run(Spoilt::nothing));
  EXPECT_EQ(laboratory.timed().size(), 4U);
  EXPECT_TRUE(laboratory.missing().empty());
}

TEST(ProvenRun, WhatWasWrongOnceStaysWrongWhenItGoesOn) {
  Laboratory laboratory;
  EXPECT_FALSE(laboratory.run(Spoilt::gemm_element, 1));
  EXPECT_TRUE(laboratory.run(Spoilt::nothing));
  EXPECT_THAT(laboratory.timed(), Not(Contains("products")));
  EXPECT_THAT(laboratory.missing(), ElementsAre("both", "products"));
}

TEST(ProvenRun, GoesOnWithoutTheKernelThatTookTheDeviceWithIt) {
  Laboratory laboratory;
  laboratory.lose();
  EXPECT_TRUE(laboratory.run(Spoilt::nothing));
  EXPECT_THAT(laboratory.timed(), ElementsAre("disk", "products"));
  EXPECT_THAT(laboratory.missing(), ElementsAre("both", "decodes"));
}

TEST(ProvenRun, TakesBackWhatWasTimedOfAKernelThatTurnsOutWrong) {
  Laboratory laboratory;
  EXPECT_FALSE(laboratory.run(Spoilt::nothing, 3));
  EXPECT_TRUE(laboratory.run(Spoilt::gemm_element));
  EXPECT_THAT(laboratory.missing(), ElementsAre("both", "products"));
}

TEST(ProvenRun, ThePointsFileTheProfileAndTheReportSayWhatIsMissing) {
  const testing::Workplace place;
  MeasuredRun run = testing::full_run();
  run.findings = {{"memory/copy", {"memory"}, 0, 0, {}},
                  {"mla_decode/bf16/h16", {"mla_decode"}, 0.25, 0.01, {}},
                  {"prefill_attention/bf16/hd64/g4", {"prefill_attention"}, INFINITY, 0.01, {}}};
  for (MeasuredPoint& point : run.points) {
    if (point.family == "prefill_attention") point.error = "its kernel is wrong";
  }
  place.write("x.points.json", points_text(run));
  const MeasuredRun again = read_run(place.at("x.points.json"));
  ASSERT_EQ(again.findings.size(), 3U);
  EXPECT_TRUE(again.findings[0].ok());
  EXPECT_EQ(again.findings[1].what(), "relative error 0.25, at most 0.01");
  EXPECT_FALSE(again.findings[2].ok());
  const config::Catalogue none;
  const MachineProfile profile = machine_profile(again, none);
  const char* what = "mla_decode/bf16/h16 is wrong on this device: relative error 0.25, at most";
  EXPECT_THAT(machine_yaml(profile, again), HasSubstr(what));
  const std::string report = profile_text(profile, again, "x");
  EXPECT_THAT(report, HasSubstr("WRONG: not timed"));
  EXPECT_THAT(profile_json(profile, again, "x"), HasSubstr("\"checks\""));
  EXPECT_THAT(report, Not(HasSubstr("its kernel is wrong"))) << "no line for each point";
}

}  // namespace
}  // namespace terrace::calibrate
