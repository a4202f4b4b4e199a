// The fabric at the edges of its number formats, under load, and twice.

#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/fabric/workbench.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Workbench;

/// Every start at its own time: ids of transfers to be, as requests.
struct Crowd : Workbench {
  explicit Crowd(std::uint64_t seed) : random(seed, "tests/fabric") {}

  struct Plan {
    MemoryId from;
    MemoryId to;
    Cargo cargo;
  };
  std::vector<Plan> plans;
  std::vector<SimTime> started;
  std::vector<std::size_t> plan_of;  // by transfer
  Random random;
  std::size_t ended = 0;

  void add(Duration at, const Plan& plan) {
    loop.post(at, LoadDone{ReplicaId{0}, RequestId{plans.size()}});
    plans.push_back(plan);
    started.emplace_back();
  }
  using Workbench::on;
  void on(const LoadDone& event) {
    const std::size_t i = event.request.index();
    const TransferId id = fabric.start(plans[i].from, plans[i].to, plans[i].cargo);
    started[i] = loop.now();
    if (id.index() >= plan_of.size()) plan_of.resize(id.index() + 1);
    plan_of[id.index()] = i;
  }
  void on(const TransferDone& event) {
    ++ended;
    order.push_back(event.transfer);
    const std::size_t i = plan_of[event.transfer.index()];
    const Duration alone = fabric.unloaded_time(plans[i].from, plans[i].to, plans[i].cargo);
    // A change of rate may cut off a fraction of a picosecond; nothing else makes it early.
    EXPECT_GE(loop.now() + Duration{2}, started[i] + alone);
  }
  void run_all() {
    loop.run(
        SimTime::max(), [] { return true; }, fabric, *this);
    EXPECT_EQ(ended, plans.size());
    EXPECT_EQ(fabric.in_flight(), 0U);
  }
};

/// Bytes on a link of terabytes per second: every rounding there is happens here.
TEST(FabricEdges, CrowdsOfTinyTransfersAllEndAndNoneTooEarly) {
  for (const Discipline discipline : {Discipline::fair, Discipline::fifo}) {
    Crowd c(3);
    const MemoryId a = c.fabric.add_memory("a");
    const MemoryId b = c.fabric.add_memory("b");
    c.link(a, b, Bandwidth{3.35e12}, {}, discipline);
    c.fabric.freeze();
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < 5'000; ++i) {
      const auto size = static_cast<std::int64_t>(1 + c.random.below(64));
      bytes += size;
      c.add(Duration{static_cast<std::int64_t>(c.random.below(75'000))}, {a, b, {Bytes{size}}});
    }
    c.run_all();
    EXPECT_EQ(c.fabric.report(c.loop.now())[0].bytes, Bytes{bytes});
  }
}

TEST(FabricEdges, OneByteAndAnExbibyteSideBySide) {
  Workbench w;
  const MemoryId a = w.fabric.add_memory("a");
  const MemoryId b = w.fabric.add_memory("b");
  w.link(a, b, Bandwidth{400e9});
  w.fabric.freeze();
  const Bytes huge{std::int64_t{1} << 60U};
  const TransferId large = w.fabric.start(a, b, huge, 1);
  const TransferId small = w.fabric.start(a, b, 1_B, 1);
  w.run();
  EXPECT_EQ(w.done[small], SimTime{} + Duration{5});  // at half the rate
  const double exact = (0x1p60 + 1) / 400e9;
  EXPECT_NEAR(seconds(w.done[large]), exact, 1e-12 * exact);
  EXPECT_EQ(w.report(LinkId{0}).bytes, huge + 1_B);
}

/// What would end after the end of time never does, and disturbs nobody.
TEST(FabricEdges, ATransferMayOutlastTime) {
  Workbench w;
  const MemoryId a = w.fabric.add_memory("a");
  const MemoryId b = w.fabric.add_memory("b");
  w.link(a, b, Bandwidth{1});
  w.fabric.freeze();
  const TransferId endless = w.fabric.start(a, b, Bytes{std::int64_t{1} << 60U}, 1);
  const TransferId short_one = w.fabric.start(a, b, 1_B, 1);
  w.run();
  EXPECT_EQ(w.done.count(endless), 0U);
  EXPECT_EQ(w.done[short_one], SimTime{} + 2s);
  EXPECT_EQ(w.fabric.unloaded_time(a, b, {Bytes::max()}), Duration::max());
}

/// Random shapes over a small node with every mechanism at once.
struct Storm : Crowd {
  explicit Storm(std::uint64_t seed, std::size_t transfers) : Crowd(seed) {
    const MemoryId dram = fabric.add_memory("dram", 60_GBps);
    const MemoryId disk = fabric.add_memory("disk");
    const LinkId duplex = fabric.add_pool("duplex", 90_GBps);
    const LinkId drive = fabric.add_drive("drive", 0.3);
    std::vector<MemoryId> memories{dram, disk};
    for (int i = 0; i < 3; ++i) {
      memories.push_back(fabric.add_memory("hbm"));
      LinkSpec spec{"gpu", 50_GBps, 4us, Discipline::fifo};
      spec.descriptors = DescriptorLaw{580ns, Bandwidth{8.25e9}, 28_KiB, 170ns, 60_GBps};
      spec.pools = {duplex};
      fabric.add_link(dram, memories.back(), spec);
      if (i == 1) spec.discipline = Discipline::fair;
      fabric.add_link(memories.back(), dram, spec);
    }
    const SsdLaw read{69us, Bandwidth{3.1e9}, 3.1e6, Bandwidth{14.5e9}, 2};
    const SsdLaw write{29us, Bandwidth{5e9}, 400e3, Bandwidth{10e9}, 1.5};
    LinkSpec spec{"drive", Bandwidth{14.5e9}, 69us};
    spec.access = DriveAccess{{read, 256_KiB, 32}, drive, false};
    fabric.add_link(disk, dram, spec);
    spec = LinkSpec{"drive", 10_GBps, 29us};
    spec.access = DriveAccess{{write, 256_KiB, 32}, drive, true};
    fabric.add_link(dram, disk, spec);
    fabric.freeze();

    for (std::size_t i = 0; i < transfers; ++i) {
      const MemoryId from = memories[random.below(memories.size())];
      const MemoryId to = memories[random.below(memories.size())];
      const Bytes size{
          static_cast<std::int64_t>(random.below(std::uint64_t{1} << (1 + random.below(26))))};
      const auto pieces = static_cast<std::int64_t>(1 + random.below(200));
      const Cargo cargo{size, pieces, 1 + pieces / 16, 1.0 + static_cast<double>(random.below(3))};
      add(Duration{static_cast<std::int64_t>(random.below(400'000'000) * transfers)},
          {from, to, cargo});
      if (from != to && size > 0_B) bytes += size;
    }
  }
  Bytes bytes;
};

/// A byte that moves leaves one memory and reaches another, over one link or two.
TEST(FabricEdges, StormConservesBytes) {
  Storm storm(11, 3'000);
  storm.run_all();
  Bytes at_links;
  Bytes expected;
  for (const LinkReport& report : storm.fabric.report(storm.loop.now())) {
    if (report.name == "gpu" || report.name == "drive") at_links += report.bytes;
    EXPECT_GE(report.utilisation, 0);
    EXPECT_LE(report.utilisation, 1);
  }
  for (const Crowd::Plan& plan : storm.plans) {
    const auto hops =
        static_cast<std::int64_t>(storm.fabric.topology().route(plan.from, plan.to).size());
    expected += plan.cargo.size * hops;
    // "drive" is also what the drive itself is called, and it sees each of its links' bytes.
    const bool at_disk = plan.from == MemoryId{1} || plan.to == MemoryId{1};
    if (at_disk && plan.from != plan.to) expected += plan.cargo.size;
  }
  EXPECT_EQ(at_links, expected);
}

TEST(FabricEdges, TheSameStormTwiceIsTheSame) {
  const auto history = [] {
    Storm storm(12, 2'000);
    storm.run_all();
    std::vector<double> out{seconds(storm.loop.now()), static_cast<double>(storm.loop.delivered())};
    for (const LinkReport& report : storm.fabric.report(storm.loop.now())) {
      out.push_back(report.queueing.count());
      out.push_back(report.utilisation);
    }
    return std::pair(storm.order, out);
  };
  EXPECT_EQ(history(), history());
}

TEST(FabricEdges, HundredsOfTransfersAtOnce) {
  Storm storm(13, 0);
  for (std::size_t i = 0; i < 400; ++i) {
    const MemoryId to{2 + i % 3};
    storm.add({},
              {MemoryId{i % 2}, to, {Bytes{static_cast<std::int64_t>(1'000'000 + 1000 * i)}, 8}});
  }
  storm.run_all();
  for (const LinkReport& report : storm.fabric.report(storm.loop.now())) {
    if (report.name == "dram") {
      EXPECT_GT(report.peak, 200U);
    }
  }
}

}  // namespace
}  // namespace terrace
