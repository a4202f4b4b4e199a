#include "sim/fabric/fabric.hpp"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"
#include "tests/fabric/workbench.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Workbench;

struct Pair : Workbench {
  explicit Pair(Bandwidth bandwidth = 10_GBps, Duration latency = {},
                Discipline discipline = Discipline::fair)
      : wire(link(a, b, bandwidth, latency, discipline)) {
    fabric.freeze();
  }
  MemoryId a = fabric.add_memory("a");
  MemoryId b = fabric.add_memory("b");
  LinkId wire;
};

/// Ends are rounded up to whole picoseconds at each change of rate.
void expect_at(SimTime actual, Duration expected, Duration slack = Duration{2}) {
  EXPECT_GE(actual, SimTime{} + expected - slack);
  EXPECT_LE(actual, SimTime{} + expected + slack);
}

TEST(Fabric, ATransferAloneTakesLatencyThenBytesOverRate) {
  Pair p(10_GBps, 3us);
  const TransferId id = p.fabric.start(p.a, p.b, 10_MiB, 1);
  EXPECT_EQ(p.fabric.in_flight(), 1U);
  p.run();
  EXPECT_EQ(p.done[id], SimTime{} + 3us + 10_MiB / 10_GBps);
  EXPECT_EQ(p.fabric.unloaded_time(p.a, p.b, {10_MiB}), 3us + 10_MiB / 10_GBps);
  EXPECT_EQ(p.fabric.in_flight(), 0U);
}

TEST(Fabric, TwoTransfersShareEqually) {
  Pair p;
  const Duration alone = 10_MiB / 10_GBps;
  const TransferId first = p.fabric.start(p.a, p.b, 10_MiB, 1);
  p.run_to(alone / 2);
  const TransferId second = p.fabric.start(p.a, p.b, 10_MiB, 1);
  p.run();
  // The first is half done when the second joins; both then run at half speed.
  expect_at(p.done[first], alone / 2 + alone);
  expect_at(p.done[second], alone * 2);
}

TEST(Fabric, WeightsDecideWhoIsFirst) {
  Pair p;
  const TransferId light = p.fabric.start(p.a, p.b, 30_MiB, 1, 1);
  const TransferId heavy = p.fabric.start(p.a, p.b, 30_MiB, 1, 2);
  p.run();
  expect_at(p.done[heavy], 45_MiB / 10_GBps);
  expect_at(p.done[light], 60_MiB / 10_GBps);
}

TEST(Fabric, NothingAndNowhereTakeNoTime) {
  Pair p(10_GBps, 3us);
  const TransferId nothing = p.fabric.start(p.a, p.b, 0_B, 1);
  const TransferId nowhere = p.fabric.start(p.a, p.a, 10_MiB, 1);
  p.run();
  EXPECT_EQ(p.done[nothing], SimTime{});
  EXPECT_EQ(p.done[nowhere], SimTime{});
  EXPECT_EQ(p.fabric.unloaded_time(p.a, p.a, {10_MiB}), Duration{});
  EXPECT_EQ(p.report(p.wire).transfers, 0);
}

TEST(Fabric, WhatIsNotConnectedIsABug) {
  Pair p;
  EXPECT_FALSE(p.fabric.connected(p.b, p.a));
  EXPECT_THROW(p.fabric.start(p.b, p.a, 1_B, 1), InvariantViolation);
}

TEST(Fabric, StartsOfOneInstantAreSharedOnce) {
  Pair p;
  for (int i = 0; i < 100; ++i) p.fabric.start(p.a, p.b, 1_MiB, 1);
  p.run();
  // Starts, one sharing, one due, the ends: and no sharing after the last.
  EXPECT_EQ(p.loop.delivered(), 100U + 1 + 1 + 100);
  for (const auto& [id, at] : p.done) expect_at(at, 100_MiB / 10_GBps, Duration{100});
  EXPECT_EQ(p.report(p.wire).peak, 100U);
}

TEST(Fabric, EndsOfOneInstantAreToldInTheOrderOfStarts) {
  Pair p;
  std::vector<TransferId> started;
  for (int i = 0; i < 20; ++i) started.push_back(p.fabric.start(p.a, p.b, 1_MiB, 1));
  p.run();
  EXPECT_EQ(p.order, started);
}

TEST(Fabric, FifoServesOneAtATimeInOrder) {
  Pair p(10_GBps, {}, Discipline::fifo);
  const Duration alone = 10_MiB / 10_GBps;
  for (int i = 0; i < 3; ++i) p.fabric.start(p.a, p.b, 10_MiB, 1);
  p.run();
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(p.done[TransferId{i}], SimTime{} + alone * static_cast<int>(i + 1));
  EXPECT_NEAR(p.report(p.wire).queueing.count(), 3 * seconds(alone), 1e-9);
  EXPECT_EQ(p.report(p.wire).peak, 3U);
  EXPECT_NEAR(p.report(p.wire).utilisation, 1, 1e-9);
}

/// A slow transfer from behind the engine is interleaved with the one in turn: neither blocks.
TEST(Fabric, AFifoEngineIsNotBlockedByATrickle) {
  Workbench w;
  const MemoryId disk = w.fabric.add_memory("disk");
  const MemoryId dram = w.fabric.add_memory("dram");
  const MemoryId hbm = w.fabric.add_memory("hbm");
  w.link(disk, dram, 2_GBps);
  w.link(dram, hbm, 10_GBps, {}, Discipline::fifo);
  w.fabric.freeze();
  const TransferId slow = w.fabric.start(disk, hbm, Bytes{2'000'000'000}, 1);
  const TransferId fast = w.fabric.start(dram, hbm, Bytes{4'000'000'000}, 1);
  w.run();
  expect_at(w.done[slow], 1s);
  expect_at(w.done[fast], 500ms);
}

/// Host DRAM carries bytes that bounce through it twice.
TEST(Fabric, BouncingThroughAMemoryUsesItTwice) {
  Workbench w;
  const MemoryId disk = w.fabric.add_memory("disk");
  const MemoryId dram = w.fabric.add_memory("dram", 10_GBps);
  const MemoryId hbm = w.fabric.add_memory("hbm");
  w.link(disk, dram, 100_GBps);
  w.link(dram, hbm, 100_GBps);
  w.fabric.freeze();
  EXPECT_EQ(w.fabric.unloaded_time(disk, hbm, {Bytes{10'000'000}}), 2ms);
  EXPECT_EQ(w.fabric.unloaded_time(dram, hbm, {Bytes{10'000'000}}), 1ms);
  EXPECT_EQ(w.fabric.unloaded_time(disk, dram, {Bytes{10'000'000}}), 1ms);
}

TEST(Fabric, SmallPiecesAreSlowAndEnginesShareThem) {
  Workbench w;
  const MemoryId dram = w.fabric.add_memory("dram");
  const MemoryId hbm = w.fabric.add_memory("hbm");
  LinkSpec spec{"h2d", Bandwidth{55.4e9}};
  spec.engines = 2;
  spec.descriptors = DescriptorLaw{580ns, Bandwidth{8.25e9}, 28_KiB, 170ns, 60_GBps};
  w.fabric.add_link(dram, hbm, spec);
  w.fabric.freeze();
  const auto rate = [&](std::int64_t pieces) {
    return 64e-9 * 0x1p20 / seconds(w.fabric.unloaded_time(dram, hbm, {64_MiB, pieces}));
  };
  EXPECT_NEAR(rate(1), 2 * 55.4, 0.1);
  EXPECT_NEAR(rate(1024), 2 * 51.8, 0.01 * 2 * 51.8);     // of 64 KiB
  EXPECT_NEAR(rate(16 * 1024), 2 * 3.8, 0.02 * 2 * 3.8);  // of 4 KiB
}

/// Sums of extra time are exact: under fair sharing a transfer waits for its time less its time
/// alone, all of it because of the one link there is.
TEST(Fabric, QueueingIsTheTimeLostToOthers) {
  Pair p;
  for (const Bytes size : {10_MiB, 20_MiB, 70_MiB}) p.fabric.start(p.a, p.b, size, 1);
  p.run_to(2ms);
  EXPECT_NEAR(p.report(p.wire).queueing.count(), 3 * 2e-3 * (1 - 1.0 / 3), 1e-9);
  EXPECT_NEAR(p.report(p.wire).utilisation, 1, 1e-9);
  p.run();
  double lost = 0;
  for (const auto& [id, at] : p.done) lost += seconds(at);
  lost -= seconds(100_MiB / 10_GBps);
  EXPECT_NEAR(p.report(p.wire).queueing.count(), lost, 1e-9);
  EXPECT_EQ(p.report(p.wire).bytes, 100_MiB);
  EXPECT_EQ(p.report(p.wire).transfers, 3);
}

TEST(Fabric, UtilisationCountsIdleTime) {
  Pair p;
  p.fabric.start(p.a, p.b, Bytes{10'000'000}, 1);
  p.run_to(4ms);
  EXPECT_NEAR(p.report(p.wire).utilisation, 0.25, 1e-9);
  EXPECT_EQ(p.report(p.wire).busy, 1ms);
  EXPECT_EQ(p.report(p.wire).queueing.count(), 0);
}

/// Whoever hears of an end may start at once, whether it hears before the fabric or after.
TEST(Fabric, AnIdIsNotReusedWhileItsEndIsToldNorBeforeTheNext) {
  struct Listener {
    Fabric& fabric;
    MemoryId a, b;
    int left = 50;
    TransferId latest = TransferId::none();
    void on(const TransferDone& event) {
      EXPECT_EQ(event.transfer, latest);
      if (--left == 0) return;
      latest = fabric.start(a, b, 1_KiB, 1);
      EXPECT_NE(latest, event.transfer);
      EXPECT_LT(latest.index(), 3U);
    }
    void on(const SampleDue&) {}
    void on(const ArrivalDue&) {}
    void on(const ScheduleTick&) {}
    void on(const StepComputed&) {}
    void on(const LoadDone&) {}
    void on(const PrefetchDone&) {}
    void on(const PrefetchTimeout&) {}
    void on(const ReturnExpected&) {}
  };
  for (const bool fabric_first : {true, false}) {
    Pair p;
    Listener listener{p.fabric, p.a, p.b};
    listener.latest = p.fabric.start(p.a, p.b, 1_KiB, 1);
    const auto always = [] { return true; };
    if (fabric_first) p.loop.run(SimTime::max(), always, p.fabric, listener);
    if (!fabric_first) p.loop.run(SimTime::max(), always, listener, p.fabric);
    EXPECT_EQ(listener.left, 0);
  }
}

}  // namespace
}  // namespace terrace
