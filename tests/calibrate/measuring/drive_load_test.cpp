#include "calibrate/measuring/drive_load.hpp"

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/measuring/sample.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;

constexpr std::size_t kBlock = TestFile::kAlignment;

/// Which blocks of the two are not the same.
std::set<std::size_t> changed(std::span<const std::byte> before, std::span<const std::byte> after) {
  std::set<std::size_t> blocks;
  for (std::size_t at = 0; at < before.size(); at += kBlock) {
    if (!std::ranges::equal(before.subspan(at, kBlock), after.subspan(at, kBlock))) {
      blocks.insert(at / kBlock);
    }
  }
  return blocks;
}

class DriveLoadTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<std::byte> content() const {
    const auto size = static_cast<std::size_t>(file_.size().count());
    const std::shared_ptr<std::byte> memory = io_memory(size);
    file_.read(0, {memory.get(), size});
    return {memory.get(), memory.get() + size};
  }
  TemporaryDirectory directory_;
  TestFile file_{directory_.path(), 1_MiB};
};

TEST_F(DriveLoadTest, WritesItsShareOfTheCommandsInOrder) {
  for (const int percent : {0, 30, 50, 100}) {
    const std::vector<std::byte> before = content();
    std::int64_t commands = 0;
    {
      const auto seed = static_cast<std::uint64_t>(percent);  // other data than before
      DriveLoad load(file_, {4_KiB, 3, percent, Order::sequential, seed});
      const DriveLoad::Done first = load.run(100, 4_KiB * 50);
      const DriveLoad::Done second = load.run(100, 4_KiB * 50);
      EXPECT_EQ(first.commands, 50);
      EXPECT_EQ(second.commands, 50);
      EXPECT_GT(second.seconds, 0);
      commands = first.commands + second.commands + 3;  // in flight at the end
    }
    std::set<std::size_t> expected;
    for (std::int64_t i = 0; i < commands; ++i) {
      if ((i + 1) * percent / 100 > i * percent / 100) expected.insert(static_cast<std::size_t>(i));
    }
    EXPECT_EQ(changed(before, content()), expected) << percent;
  }
}

TEST_F(DriveLoadTest, GoesAnywhereInTheFileWithTheSameSeedTheSameWay) {
  std::vector<std::set<std::size_t>> places;
  for (const std::uint64_t seed : {5U, 5U, 6U}) {
    const TestFile file(directory_.path(), 1_MiB);
    const std::shared_ptr<std::byte> memory = io_memory(1 << 20U);
    const std::span all(memory.get(), 1 << 20U);
    file.read(0, all);
    const std::vector<std::byte> before(all.begin(), all.end());
    { DriveLoad(file, {4_KiB, 1, 100, Order::random, seed}).run(100, 4_KiB * 200); }
    file.read(0, all);
    places.push_back(changed(before, all));
  }
  // 201 commands to 256 places hit about 256 * (1 - exp(-201 / 256)) = 139 of them.
  EXPECT_NEAR(static_cast<double>(places[0].size()), 139, 20);
  EXPECT_LT(*places[0].begin(), 10U);
  EXPECT_GT(*places[0].rbegin(), 245U);
  EXPECT_EQ(places[0], places[1]);
  EXPECT_NE(places[0], places[2]);
}

TEST_F(DriveLoadTest, NeverWritesABlockTwice) {
  std::set<std::vector<std::byte>> blocks;
  for (const int percent : {100, 50}) {
    {
      DriveLoad load(file_, {16_KiB, 4, percent, Order::sequential});
      load.run(100, 2_MiB);  // every place twice
    }
    const std::vector<std::byte> after = content();
    for (auto at = after.begin(); at != after.end(); at += kBlock) {
      EXPECT_TRUE(blocks.emplace(at, at + kBlock).second || percent < 100);
    }
  }
  EXPECT_GT(blocks.size(), 256U + 100U) << "half of them are new";
}

TEST_F(DriveLoadTest, StopsWhenItsTimeIsOver) {
  DriveLoad load(file_, {4_KiB, 4, 0});
  const DriveLoad::Done done = load.run(0.01, Bytes::max());
  EXPECT_GE(done.seconds, 0.01);
  EXPECT_GE(done.commands, 4);
  EXPECT_EQ(load.run(0, Bytes::max()).commands, 4) << "fewer say nothing";
  EXPECT_EQ(load.run(0, 4_KiB, 16).commands, 16) << "as many as are asked for";
}

TEST_F(DriveLoadTest, InTheBackgroundGoesOnUntilItsBytesAreWritten) {
  const Bytes before = file_.written();
  {
    const BackgroundLoad load(file_, {64_KiB, 4, 100, Order::sequential, 1}, 8_MiB);
    const double give_up = steady_seconds() + 60;
    while (load.bytes() < (8_MiB).count() && steady_seconds() < give_up) {
      std::this_thread::yield();
    }
    EXPECT_GE(load.bytes(), (8_MiB).count());
  }
  EXPECT_LE(file_.written() - before, 8_MiB + 64_KiB * 8);
}

}  // namespace
}  // namespace terrace::calibrate
