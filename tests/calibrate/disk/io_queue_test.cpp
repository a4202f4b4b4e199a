#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include "calibrate/disk/test_file.hpp"
#include "calibrate/disk/transfer.hpp"
#include "sim/base/check.hpp"
#include "tests/calibrate/disk/system_call_filter.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;

constexpr std::size_t kBlock = TestFile::kAlignment;
constexpr std::size_t kBlocks = 64;

/// Random commands against an array that does the same one after the other; those in flight
/// together touch different blocks.
void behaves_like_an_array(const TestFile& file) {
  const unsigned depth = *rc::gen::inRange(1U, 9U);
  const std::shared_ptr<std::byte> owner = io_memory(kBlock * kBlocks * 2);
  const std::span disk(owner.get(), kBlock * kBlocks);
  const std::span memory(owner.get() + kBlock * kBlocks, kBlock * kBlocks);
  file.read(0, disk);
  IoQueue queue(file, depth);
  std::map<std::uint64_t, IoRequest> in_flight;
  const auto settle = [&] {
    const std::uint64_t tag = queue.wait();
    RC_ASSERT(in_flight.contains(tag));
    const IoRequest& done = in_flight.at(tag);
    const auto there = disk.subspan(static_cast<std::size_t>(done.offset), done.memory.size());
    if (done.direction == IoDirection::read) RC_ASSERT(std::ranges::equal(done.memory, there));
    std::ranges::copy(done.memory, there.begin());
    in_flight.erase(tag);
  };
  for (std::uint64_t tag = 0; tag < 40; ++tag) {
    const std::size_t first = *rc::gen::inRange(std::size_t{0}, kBlocks);
    const std::size_t blocks =
        *rc::gen::inRange(std::size_t{1}, std::min<std::size_t>(9, kBlocks - first + 1));
    const auto meets = [&](const auto& other) {
      const auto begin = static_cast<std::size_t>(other.second.offset) / kBlock;
      return begin < first + blocks && first < begin + other.second.memory.size() / kBlock;
    };
    while (in_flight.size() == depth || std::ranges::any_of(in_flight, meets)) settle();
    IoRequest request{*rc::gen::element(IoDirection::read, IoDirection::write),
                      static_cast<std::int64_t>(first * kBlock),
                      memory.subspan(first * kBlock, blocks * kBlock), tag};
    if (request.direction == IoDirection::write) fill_incompressible(request.memory, tag + 1000);
    queue.submit(request);
    in_flight[tag] = request;
    RC_ASSERT(queue.in_flight() == in_flight.size());
  }
  while (!in_flight.empty() && *rc::gen::inRange(0, 10) > 0) settle();
  // What is left is waited for by the queue's end.
}

TEST(IoQueue, BehavesLikeAnArray) {
  const TemporaryDirectory directory;
  const TestFile file(directory.path(), Bytes{kBlock * kBlocks});
  EXPECT_TRUE(rc::check([&] { behaves_like_an_array(file); }));
}

TEST(IoQueueDeathTest, BehavesLikeAnArrayOnThreads) {
  const TemporaryDirectory directory;
  const auto on_threads = [&] {
    refuse_system_call(__NR_io_uring_setup, ENOSYS);
    const TestFile file(directory.path(), Bytes{kBlock * kBlocks});
    const bool well = rc::check([&] { behaves_like_an_array(file); });
    ::_exit(well && !IoQueue(file, 1).uses_io_uring() ? 0 : 1);
  };
  EXPECT_EXIT(on_threads(), ::testing::ExitedWithCode(0), "");
}

TEST(IoQueue, KnowsItsDepthAndTheFile) {
  const TemporaryDirectory directory;
  const TestFile file(directory.path(), 64_KiB);
  const std::shared_ptr<std::byte> memory = io_memory(2 * kBlock);
  IoQueue queue(file, 1);
  EXPECT_THROW(queue.wait(), InvariantViolation);
  EXPECT_THROW(queue.submit({IoDirection::read, 60 << 10U, {memory.get(), 2 * kBlock}, 0}),
               InvariantViolation);
  EXPECT_THROW(queue.submit({IoDirection::read, 100, {memory.get(), kBlock}, 0}),
               InvariantViolation);
  EXPECT_EQ(queue.in_flight(), 0U);
  queue.submit({IoDirection::read, 0, {memory.get(), kBlock}, 9});
  EXPECT_THROW(queue.submit({IoDirection::read, 0, {memory.get(), kBlock}, 0}), InvariantViolation);
  EXPECT_EQ(queue.wait(), 9U);
}

TEST(IoQueueDeathTest, OneFailureLeavesTheOthers) {
  const TemporaryDirectory directory;
  const auto failing = [&] {
    refuse_system_call(__NR_io_uring_setup, ENOSYS);
    const TestFile file(directory.path(), 64_KiB);
    const std::shared_ptr<std::byte> memory = io_memory(4 * kBlock);
    refuse_system_call(__NR_pwrite64, EIO);
    IoQueue queue(file, 4);  // its threads inherit that
    for (std::uint64_t tag = 0; tag < 4; ++tag) {
      queue.submit({tag == 1 ? IoDirection::write : IoDirection::read,
                    0,
                    {memory.get() + tag * kBlock, kBlock},
                    tag});
    }
    int failed = 0;
    std::uint64_t tags = 0;
    for (int i = 0; i < 4; ++i) {
      try {
        tags += queue.wait();
      } catch (const std::system_error& e) {
        failed += e.code().value() == EIO ? 1 : 100;
      }
    }
    ::_exit(failed == 1 && tags == 0 + 2 + 3 ? 0 : 1);
  };
  EXPECT_EXIT(failing(), ::testing::ExitedWithCode(0), "");
}

// The kernel may do a command in parts, or want to be asked again.

TEST(Transfer, AsksForTheRestUntilAllIsDone) {
  EXPECT_TRUE(rc::check([] {
    const std::size_t blocks = *rc::gen::inRange(std::size_t{1}, std::size_t{20});
    std::vector<std::byte> memory(blocks * kBlock);
    Transfer transfer({IoDirection::write, 8192, memory, 5});
    std::vector<int> times(blocks);  // that a block was done
    for (bool done = false; !done;) {
      const std::size_t left = transfer.rest.size();
      const auto at = static_cast<std::size_t>(transfer.rest.data() - memory.data());
      RC_ASSERT(transfer.offset == static_cast<std::int64_t>(8192 + at));
      RC_ASSERT(at % kBlock == 0 && at + left == memory.size());
      const auto part = static_cast<std::int64_t>(*rc::gen::inRange(std::size_t{1}, left + 1));
      const std::int64_t returned = *rc::gen::elementOf(
          std::vector<std::int64_t>{part, part, static_cast<std::int64_t>(left), -EINTR, -EAGAIN});
      if (returned > 0) {
        const auto whole = at / kBlock + static_cast<std::size_t>(returned) / kBlock;
        for (std::size_t b = at / kBlock; b < whole; ++b) ++times[b];
      }
      done = transfer.advance(returned);
    }
    RC_ASSERT(transfer.rest.empty() && transfer.tag == 5);
    RC_ASSERT(std::ranges::count(times, 1) == static_cast<std::ptrdiff_t>(blocks));
  }));
}

TEST(Transfer, SaysWhatFailed) {
  const auto error_of = [](IoDirection direction, std::int64_t returned) {
    std::vector<std::byte> memory(kBlock);
    Transfer transfer({direction, 4096, memory, 0});
    try {
      transfer.advance(returned);
    } catch (const std::system_error& e) {
      return e.code().value();
    }
    return 0;
  };
  EXPECT_EQ(error_of(IoDirection::read, -EIO), EIO);
  EXPECT_EQ(error_of(IoDirection::write, -ENOSPC), ENOSPC);
  EXPECT_EQ(error_of(IoDirection::read, 0), EIO);
  EXPECT_EQ(error_of(IoDirection::write, 0), ENOSPC);
  EXPECT_EQ(error_of(IoDirection::read, -EINTR), 0);
}

}  // namespace
}  // namespace terrace::calibrate
