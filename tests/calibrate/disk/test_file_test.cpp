#include "calibrate/disk/test_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/check.hpp"
#include "tests/calibrate/disk/system_call_filter.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kBlock = TestFile::kAlignment;

struct Memory {
  explicit Memory(std::size_t size) : owner(io_memory(size)), bytes(owner.get(), size) {}
  std::shared_ptr<std::byte> owner;
  std::span<std::byte> bytes;
};

TEST(TestFile, KeepsWhatIsWritten) {
  const TemporaryDirectory directory;
  const TestFile file(directory.path(), 1_MiB);
  EXPECT_EQ(file.size(), 1_MiB);
  Memory written(3 * kBlock);
  fill_incompressible(written.bytes, 7);
  file.write(5 * kBlock, written.bytes);
  Memory read(5 * kBlock);
  file.read(4 * kBlock, read.bytes);
  EXPECT_TRUE(std::ranges::equal(read.bytes.subspan(kBlock, 3 * kBlock), written.bytes));
}

TEST(TestFile, IsFullOfWhatNothingCompresses) {
  const TemporaryDirectory directory;
  const TestFile file(directory.path(), 8_MiB);
  Memory all(std::size_t{8} << 20U);
  file.read(0, all.bytes);
  // All words of the file differ, and bytes are used alike.
  std::set<std::uint64_t> words;
  std::array<int, 256> times{};
  for (std::size_t at = 0; at < all.bytes.size(); at += 512) {
    std::uint64_t word = 0;
    std::copy_n(all.bytes.data() + at, 8, reinterpret_cast<std::byte*>(&word));
    words.insert(word);
  }
  for (const std::byte b : all.bytes) ++times[std::to_integer<std::size_t>(b)];
  EXPECT_EQ(words.size(), all.bytes.size() / 512);
  const auto [least, most] = std::ranges::minmax(times);
  const double mean = static_cast<double>(all.bytes.size()) / 256;
  EXPECT_GT(least, 0.95 * mean);
  EXPECT_LT(most, 1.05 * mean);
}

TEST(TestFile, TellsOfItsProgressAndStopsWhenToldSo) {
  const TemporaryDirectory directory;
  std::vector<Bytes> told;
  const TestFile file(directory.path(), 9_MiB, [&](Bytes done) { told.push_back(done); });
  EXPECT_EQ(told, (std::vector<Bytes>{4_MiB, 8_MiB, 9_MiB}));
  EXPECT_THROW(TestFile(directory.path(), 9_MiB, [](Bytes) { throw std::domain_error("stop"); }),
               std::domain_error);
}

TEST(TestFile, HasNoNameAtAnyTime) {
  const TemporaryDirectory directory;
  const TestFile file(directory.path(), 8_MiB, [&](Bytes) { EXPECT_TRUE(directory.empty()); });
  EXPECT_TRUE(directory.empty());
}

TEST(TestFile, LeavesNothingWhenTheProgramIsKilled) {
  for (const int signal : {SIGKILL, SIGTERM, SIGINT}) {
    const TemporaryDirectory directory;
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const TestFile file(directory.path(), 8_MiB, [&](Bytes done) {
        if (done < 8_MiB) return;
        if (::write(pipe[1], "x", 1) == 1) ::pause();  // the file is there, and nearly full
      });
      ::_exit(1);
    }
    char ready = 0;
    ASSERT_EQ(::read(pipe[0], &ready, 1), 1);
    EXPECT_TRUE(directory.empty());
    ASSERT_EQ(::kill(child, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    EXPECT_TRUE(directory.empty());
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
}

TEST(TestFile, RefusesWhatWouldNotBeDirect) {
  const TemporaryDirectory directory;
  const TestFile file(directory.path(), 1_MiB);
  Memory memory(4 * kBlock);
  const auto size = file.size().count();
  EXPECT_THROW(file.read(512, memory.bytes), InvariantViolation);
  EXPECT_THROW(file.read(-4096, memory.bytes), InvariantViolation);
  EXPECT_THROW(file.read(0, memory.bytes.subspan(512, kBlock)), InvariantViolation);
  EXPECT_THROW(file.read(0, memory.bytes.first(1000)), InvariantViolation);
  EXPECT_THROW(file.read(0, memory.bytes.first(0)), InvariantViolation);
  EXPECT_THROW(file.write(size - 4096, memory.bytes), InvariantViolation);
  EXPECT_THROW(TestFile(directory.path(), 1000_B), InvariantViolation);
}

std::string refusal(const std::filesystem::path& directory, Bytes size) {
  try {
    const TestFile file(directory, size);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "none";
}

TEST(TestFile, SaysWhatToDoWhenItCannotBe) {
  const TemporaryDirectory directory;
  EXPECT_THAT(refusal(directory.path() / "none", 1_MiB), HasSubstr("make that directory"));
  EXPECT_THAT(refusal("/proc/self/cmdline", 1_MiB), HasSubstr("make that directory"));
  EXPECT_THAT(refusal("/proc", 1_MiB), HasSubstr("name another directory"));
  EXPECT_THAT(refusal(directory.path(), Bytes{std::int64_t{1} << 60U}),
              HasSubstr("free some room, or name a directory on another disk"));
}

// What other machines do: a process of its own, to which the kernel refuses something.

/// Ends the process: 0 if a file works in spite of `refuse`, and caveats were said if `lost`.
[[noreturn]] void works_without(const std::filesystem::path& directory, const char* lost,
                                FunctionRef<void()> refuse) {
  refuse();
  const TestFile file(directory, 1_MiB);
  Memory memory(kBlock);
  Memory back(kBlock);
  fill_incompressible(memory.bytes, 3);
  IoQueue queue(file, 4);
  queue.submit({IoDirection::write, 8 * kBlock, memory.bytes, 1});
  bool well = queue.wait() == 1;
  file.read(8 * kBlock, back.bytes);
  well = well && std::ranges::equal(back.bytes, memory.bytes);
  std::string caveats;
  for (const std::string& caveat : file.caveats()) caveats += caveat;
  well = well && caveats.find(lost) != std::string::npos;
  if (std::string(lost).starts_with("no io_uring")) well = well && !queue.uses_io_uring();
  if (std::string(lost).starts_with("no O_DIRECT")) well = well && !file.direct();
  well = well && std::filesystem::is_empty(directory);
  ::_exit(well ? 0 : 1);
}

/// Ends the process, with what the file says on stderr.
[[noreturn]] void fails_with(const std::filesystem::path& directory, FunctionRef<void()> refuse) {
  refuse();
  const std::string message = refusal(directory, 8_MiB);
  if (::write(STDERR_FILENO, message.data(), message.size()) < 0) ::_exit(2);
  ::_exit(std::filesystem::is_empty(directory) ? 0 : 1);
}

const auto kWell = ::testing::ExitedWithCode(0);

TEST(TestFileDeathTest, WorksWithoutIoUring) {
  const TemporaryDirectory directory;
  for (const int error : {ENOSYS, EPERM, ENOMEM}) {
    EXPECT_EXIT(works_without(directory.path(), "no io_uring",
                              [&] { refuse_system_call(__NR_io_uring_setup, error); }),
                kWell, "");
  }
}

TEST(TestFileDeathTest, WorksWithoutDirectAccess) {
  const TemporaryDirectory directory;
  EXPECT_EXIT(works_without(directory.path(), "no O_DIRECT",
                            [] {
                              refuse_system_call(__NR_fcntl, EINVAL, {{1, F_SETFL}, {2, O_DIRECT}});
                            }),
              kWell, "");
}

TEST(TestFileDeathTest, WorksWithoutNamelessFiles) {
  const TemporaryDirectory directory;
  for (const int error : {EOPNOTSUPP, EISDIR}) {
    EXPECT_EXIT(works_without(directory.path(), "",
                              [&] {
                                refuse_system_call(__NR_openat, error, {{2, O_TMPFILE}});
                              }),
                kWell, "");
  }
}

TEST(TestFileDeathTest, WorksWhereNothingCanBeAllocatedBeforehand) {
  const TemporaryDirectory directory;
  EXPECT_EXIT(
      works_without(directory.path(), "", [] { refuse_system_call(__NR_fallocate, EOPNOTSUPP); }),
      kWell, "");
}

TEST(TestFileDeathTest, SaysWhatTheDiskSays) {
  const TemporaryDirectory directory;
  EXPECT_EXIT(fails_with(directory.path(), [] { refuse_system_call(__NR_fallocate, ENOSPC); }),
              kWell, "No space left on device: free some room");
  EXPECT_EXIT(fails_with(directory.path(), [] { refuse_system_call(__NR_pwrite64, ENOSPC); }),
              kWell, "cannot write 4.00 MiB at byte 0 of the test file: free some room");
  EXPECT_EXIT(fails_with(directory.path(), [] { refuse_system_call(__NR_pwrite64, EIO); }), kWell,
              "system log");
  EXPECT_EXIT(fails_with(directory.path(),
                         [] {
                           refuse_system_call(__NR_openat, EACCES, {{2, O_TMPFILE}});
                         }),
              kWell, "name a directory that you may write to");
}

TEST(TestFileDeathTest, RespectsALimitOfFileSizes) {
  const TemporaryDirectory directory;
  EXPECT_EXIT(fails_with(directory.path(),
                         [] {
                           const rlimit megabyte{1U << 20U, 1U << 20U};
                           ::setrlimit(RLIMIT_FSIZE, &megabyte);
                         }),
              kWell, "larger than files may be here, 1.00 MiB: raise that limit");
}

}  // namespace
}  // namespace terrace::calibrate
