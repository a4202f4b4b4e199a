#include "calibrate/labs/slot_file.hpp"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace terrace::labs {
namespace {

constexpr std::size_t kBytes = 5000;  // not a whole number of a disk's blocks

std::vector<std::byte> bytes_of(std::size_t content) {
  std::vector<std::byte> bytes(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<std::byte>(content * 31 + i * 7);
  return bytes;
}

TEST(SlotFile, WritesToOnePlaceHappenInTheirOrder) {
  SlotFile file(testing::TempDir(), Bytes{kBytes}, 2, 8);
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
