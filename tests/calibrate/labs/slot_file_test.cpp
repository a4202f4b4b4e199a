#include "calibrate/labs/slot_file.hpp"

#include <algorithm>
#include <csignal>
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

TEST(LabSlotFile, GoesOnAfterWritesThatFailed) {
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

}  // namespace
}  // namespace terrace::labs
