#include "calibrate/labs/slot_file.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::labs {
namespace {

/// While it lives, no file of this process may be written beyond that size.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit less{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &less);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    static_cast<void>(std::signal(SIGXFSZ, signal_));
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*signal_)(int);
  rlimit before_{};
};

TEST(SlotFile, GoesOnAfterWritesThatFailed) {
  constexpr unsigned kDepth = 3;
  const calibrate::TemporaryDirectory directory;
  SlotFile file(directory.path(), Bytes{4096}, 16, kDepth);
  const std::vector<std::byte> block(4096, std::byte{42});
  {
    const FileSizeLimit limit(8 * 4096);
    for (std::int32_t i = 0; i < 2 * static_cast<std::int32_t>(kDepth); ++i) {
      file.write(i % 8, block);
      file.write(8 + i, block);
      EXPECT_THROW(file.flush(), std::system_error) << i;
      EXPECT_NO_THROW(file.flush()) << "a failure is told once";
    }
  }
  for (std::int32_t i = 0; i < 16; ++i) file.write(i, block);
  file.flush();
  const SlotMemory memory(file.slot_bytes(), 1);
  for (std::int32_t i = 0; i < 16; ++i) {
    const SlotFile::Read read{i, memory[0]};
    file.read({&read, 1});
    EXPECT_TRUE(std::equal(block.begin(), block.end(), memory[0].begin())) << i;
  }
}

constexpr std::size_t kBytes = 5000;  // not a whole number of a disk's blocks

std::vector<std::byte> bytes_of(std::size_t content) {
  std::vector<std::byte> bytes(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<std::byte>(content * 31 + i * 7);
  return bytes;
}

TEST(SlotFile, WritesToOnePlaceHappenInTheirOrder) {
  const calibrate::TemporaryDirectory directory;
  SlotFile file(directory.path(), Bytes{kBytes}, 2, 8);
  SlotMemory memory(file.slot_bytes(), 2);
  for (std::size_t i = 0; i < 50; ++i) file.write(static_cast<std::int32_t>(i % 2), bytes_of(i));
  file.flush();
  const std::vector<SlotFile::Read> both = {{0, memory[0]}, {1, memory[1]}};
  file.read(both);
  for (const std::size_t slot : {0U, 1U}) {
    EXPECT_EQ(std::memcmp(memory[slot].data(), bytes_of(48 + slot).data(), kBytes), 0);
  }
}

}  // namespace
}  // namespace terrace::labs
