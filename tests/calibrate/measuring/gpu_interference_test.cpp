// Copies in flight beside what is timed: within the host, as there need be no GPU.

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/measuring/families/interference.hpp"
#include "calibrate/profile/interference_notes.hpp"
#include "kernels/copy_traffic.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "tests/calibrate/measuring/host_link.hpp"
#include "tests/kernels/through_set.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;
using ::testing::HasSubstr;
using testing::HostLane;
using testing::HostLink;

kernels::CopyTraffic traffic(const HostLane::Behaviour& behaviour) {
  return kernels::CopyTraffic([=] { return std::make_unique<HostLane>(behaviour); });
}

TEST(CopyTraffic, GoesOnUntilItIsNoLongerNeeded) {
  const auto copies = traffic({});
  const auto some = copies.seen_after(3);
  const auto more = copies.seen_after(some.copies + 20);
  EXPECT_GE(more.copies, some.copies + 20);
  EXPECT_GT(more.at, some.at);
  EXPECT_EQ(more.pauses, 0);
}

TEST(CopyTraffic, CountsEveryTimeThatNoCopyWasInFlight) {
  const auto copies = traffic({.empty = true});
  const auto some = copies.seen_after(10);
  EXPECT_EQ(some.pauses, some.copies);
}

TEST(CopyTraffic, SaysWhatEndedIt) {
  const auto copies = traffic({.fails_after = 7});
  EXPECT_THROW(
      {
        try {
          static_cast<void>(copies.seen_after(100));
        } catch (const std::runtime_error& e) {
          EXPECT_STREQ(e.what(), "the link fell off");
          throw;
        }
      },
      std::runtime_error);
}

/// The host's kernels; but where copies are made meanwhile, what was started takes as long as some
/// of them.
class LastingSet final : public kernels::tests::ThroughSet {
 public:
  explicit LastingSet(std::shared_ptr<const HostLane::Seen> seen)
      : ThroughSet(std::make_shared<kernels::CpuSet>(1)), seen_(std::move(seen)) {}

  int copies = 0;

  void wait() override {
    const int until = seen_->copies + copies;
    while (seen_->lanes > 0 && seen_->copies < until) std::this_thread::yield();
  }

 private:
  std::shared_ptr<const HostLane::Seen> seen_;
};

/// A small machine that takes the host's threads for a GPU.
class GpuInterferenceSlow : public ::testing::Test {
 protected:
  Sample measure(const std::string& id) {
    for (const Measurement& m : family::interference_on_gpu({.gpu = true, .memory = 8_GiB})) {
      if (m.id == id) {
        operands_.begin();
        return m.measure(bench_);
      }
    }
    throw std::logic_error("no such point");
  }
  static double beside(const Sample& sample, std::string_view name) {
    for (const auto& [what, value] : sample.beside) {
      if (what == name) return value;
    }
    return 0;
  }

  HostLink link_;
  LastingSet kernels_{link_.seen};
  Operands operands_{kernels_, 4_MiB};
  Bench bench_{.kernels = kernels_,
               .gpu = true,
               .memory = 64_MiB,
               .operands = &operands_,
               .transfers = &link_};
};

TEST_F(GpuInterferenceSlow, TimesWorkWhileCopiesAreInFlightAndProvesIt) {
  const Sample alone = measure("interference/decode/none");
  EXPECT_GT(alone.median, 0);
  EXPECT_TRUE(alone.beside.empty());
  EXPECT_TRUE(link_.opened.empty());
  const Sample together = measure("interference/decode/multiprocessors/d2h");
  EXPECT_GT(together.median, 0);
  EXPECT_GT(beside(together, "copies"), 0);
  EXPECT_GT(beside(together, "copy_gbs"), 0);
  ASSERT_EQ(link_.opened.size(), 1U);
  EXPECT_EQ(link_.opened[0].by, kernels::Copier::multiprocessors);
  EXPECT_EQ(link_.opened[0].way, kernels::Transfer::to_host);
}

TEST_F(GpuInterferenceSlow, CountsCopiesAloneAndBesideWork) {
  for (const auto& [id, lasts] : {std::pair{"interference/copy/engine/h2d/none", 0},
                                  std::pair{"interference/copy/engine/h2d/decode", 6}}) {
    kernels_.copies = lasts;
    const Sample rate = measure(id);
    EXPECT_GT(rate.median, 0) << id;
    EXPECT_GT(beside(rate, "copies"), 0) << id;
  }
}

TEST_F(GpuInterferenceSlow, CountsNoCopiesBehindTheWork) {
  EXPECT_THROW(
      {
        try {
          measure("interference/copy/engine/h2d/decode");  // done when it was started
        } catch (const std::runtime_error& e) {
          EXPECT_THAT(e.what(), HasSubstr("while the device computed: too few"));
          throw;
        }
      },
      std::runtime_error);
}

TEST_F(GpuInterferenceSlow, HasNoSampleWithoutProof) {
  link_.lanes.empty = true;
  EXPECT_THROW(
      {
        try {
          measure("interference/decode/engine/h2d");
        } catch (const std::runtime_error& e) {
          EXPECT_THAT(e.what(), HasSubstr("times no copy was in flight"));
          throw;
        }
      },
      std::runtime_error);
  link_.lanes = {.fails_after = 2};
  EXPECT_THROW(measure("interference/copy/engine/h2d/decode"), std::runtime_error);
}

TEST(GpuInterference, ComparesEachPairAloneAndTogether) {
  const auto full = family::interference_on_gpu({.gpu = true, .memory = 8_GiB});
  const auto quick = family::interference_on_gpu({.quick = true, .gpu = true, .memory = 8_GiB});
  EXPECT_EQ(full.size(), 2U + 4 * 5);
  EXPECT_EQ(quick.size(), 2U + 2 * 5);
  EXPECT_TRUE(family::interference_on_gpu({.gpu = true, .memory = 1_GiB}).empty());

  MeasuredRun run;
  for (const Measurement& m : full) {
    const bool alone = m.x.at("load") == "none";
    const bool copy = m.x.at("op") == "copy";
    // Work takes a quarter longer beside copies, which keep half of their rate.
    const double median = copy ? (alone ? 50 : 25) : (alone ? 100 : 125);
    run.points.push_back({.id = m.id,
                          .family = "interference",
                          .x = m.x,
                          .cache = m.cache,
                          .unit = m.unit,
                          .sample = {.median = median, .n = 10},
                          .error = {}});
  }
  const config::Catalogue none;
  PartMaker maker{run, none};
  interference_notes(maker);
  EXPECT_EQ(maker.notes.size(), 8U + 8U);
  EXPECT_THAT(maker.notes,
              ::testing::Contains(HasSubstr(
                  "decode takes 1.25 times as long beside copies by a copy engine, h2d")));
  EXPECT_THAT(maker.notes, ::testing::Contains(HasSubstr(
                               "copies by multiprocessors, d2h: 50 % of their rate beside gemm")));
}

}  // namespace
}  // namespace terrace::calibrate
