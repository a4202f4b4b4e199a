// What the fabric foretells against what then happens: the same to the picosecond while nothing
// else comes or goes, and at fifo links also while what stands in line goes.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/fabric/workbench.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Workbench;

/// drive -> dram -> gpu and back; the bus is fifo, dram has a bandwidth of its own.
struct Machine : Workbench {
  explicit Machine(Bandwidth memory = 200_GBps) : dram(fabric.add_memory("dram", memory)) {
    link(drive, dram, 4_GBps, 80us);
    up = link(dram, gpu, 20_GBps, 5us, Discipline::fifo);
    link(gpu, dram, 20_GBps, 5us, Discipline::fifo);
    fabric.freeze();
  }
  Duration foretell(const std::vector<Move>& moves) { return fabric.expected_time(moves); }

  /// Starts the move now and runs until it has arrived.
  Duration take(const Move& move) {
    const SimTime start = loop.now();
    const TransferId id = fabric.start(move.from, move.to, move.cargo);
    run();
    return done[id] - start;
  }

  void expect_foretold(const Move& move) {
    const Duration foretold = foretell({move});
    EXPECT_EQ(foretold, take(move));
  }

  MemoryId drive = fabric.add_memory("drive");
  MemoryId gpu = fabric.add_memory("gpu");
  MemoryId dram;
  LinkId up;
};

TEST(ExpectedTime, AloneItIsTheUnloadedTime) {
  Machine m;
  for (const MemoryId from : {m.dram, m.drive}) {
    const Move move{from, m.gpu, {10_MiB}};
    EXPECT_EQ(m.foretell({move}), m.fabric.unloaded_time(from, m.gpu, {10_MiB}));
    m.expect_foretold(move);
  }
}

TEST(ExpectedTime, CountsTheLineInFrontOfIt) {
  Machine m;
  m.fabric.start(m.dram, m.gpu, 40_MiB, 1);
  m.fabric.start(m.dram, m.gpu, 30_MiB, 1);
  const Move move{m.dram, m.gpu, {10_MiB}};
  const Duration all = 40_MiB / 20_GBps + 30_MiB / 20_GBps + 10_MiB / 20_GBps;
  EXPECT_EQ(m.foretell({move}), 5us + all);  // both within their latency
  m.run_to(5us);
  EXPECT_EQ(m.foretell({move}), all);  // rates are about to be set
  m.run_to(1ms);
  EXPECT_EQ(m.foretell({move}), all - (1ms - 5us));
  m.expect_foretold(move);
}

TEST(ExpectedTime, WaitsForItsOwnLatencyIfTheLineIsShorter) {
  Machine m;
  m.fabric.start(m.dram, m.gpu, 4_KiB, 1);
  m.run_to(5us + Duration{1000});
  const Move move{m.dram, m.gpu, {10_MiB}};
  EXPECT_EQ(m.foretell({move}), 5us + 10_MiB / 20_GBps);
  m.expect_foretold(move);
}

TEST(ExpectedTime, SharesWithWhatFlowsAndStays) {
  Machine m;
  m.fabric.start(m.drive, m.gpu, 100_GiB, 1);
  m.run_to(1ms);
  EXPECT_EQ(m.foretell({{m.drive, m.gpu, {10_MiB}}}), 85us + 10_MiB / 2_GBps);
  EXPECT_EQ(m.foretell({{m.dram, m.gpu, {10_MiB}}}), 5us + 10_MiB / 16_GBps);
  const Move move{m.drive, m.gpu, {10_MiB}};
  m.expect_foretold(move);
}

TEST(ExpectedTime, MovesOfOneQuestionGetInEachOthersWay) {
  Machine m;
  const Move move{m.dram, m.gpu, {10_MiB}};
  EXPECT_EQ(m.foretell({move, move}), 5us + 10_MiB / 20_GBps + 10_MiB / 20_GBps);
  const Move far{m.drive, m.gpu, {10_MiB}};
  EXPECT_EQ(m.foretell({far, far}), 85us + 10_MiB / 2_GBps);
}

/// A line moves as fast as what flows beside it lets it: dram bandwidth is the bottleneck here.
TEST(ExpectedTime, TheLineSlowsDownForOthersToo) {
  Machine m(22_GBps);
  m.fabric.start(m.drive, m.gpu, 100_GiB, 1);  // bounces: dram carries it twice
  m.fabric.start(m.dram, m.gpu, 40_MiB, 1);
  m.fabric.start(m.dram, m.gpu, 30_MiB, 1);
  m.run_to(1ms);
  const Move move{m.dram, m.gpu, {10_MiB}};
  const Duration foretold = m.foretell({move});
  EXPECT_GT(foretold, 80_MiB / 15_GBps - 1ms);
  const Duration off = foretold - m.take(move);  // each end is rounded up
  EXPECT_LE(std::abs(off.count()), 8);
}

/// Asking must leave no trace, whatever is under way; and what is foretold is never too early, for
/// others may leave but nobody comes.
TEST(ExpectedTime, IsNeverTooEarlyAndChangesNothing) {
  Random random(1, "tests/expected time");
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random.below(n)); };
  int later = 0;
  for (int round = 0; round < 300; ++round) {
    Machine asked(Bandwidth{30e9});
    Machine silent(Bandwidth{30e9});
    const auto place = [](const Machine& m, std::int64_t i) {
      return i == 0 ? m.drive : i == 1 ? m.dram : m.gpu;
    };
    for (std::int64_t i = below(6); i >= 0; --i) {
      const std::int64_t from = below(3);
      const std::int64_t to = from < 2 ? 2 : 1;
      const Bytes size{1 + below(50'000'000)};
      asked.fabric.start(place(asked, from), place(asked, to), size, 1);
      silent.fabric.start(place(silent, from), place(silent, to), size, 1);
      const Duration until = asked.loop.now().time_since_epoch() + Duration{below(1'000'000'000)};
      asked.run_to(until);
      silent.run_to(until);
    }
    const std::int64_t from = below(2);
    const Bytes size{1 + below(50'000'000)};
    const Duration foretold = asked.foretell({{place(asked, from), asked.gpu, {size}}});
    const Duration taken = asked.take({place(asked, from), asked.gpu, {size}});
    EXPECT_LE(taken, foretold + Duration{16});  // ends are rounded up at each change of rate
    later += taken + 1us < foretold ? 1 : 0;
    EXPECT_EQ(taken, silent.take({place(silent, from), silent.gpu, {size}}));
    EXPECT_EQ(asked.order, silent.order);
  }
  EXPECT_GT(later, 30);
  EXPECT_LT(later, 270);
}

}  // namespace
}  // namespace terrace
