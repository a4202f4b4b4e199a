#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "calibrate/disk/test_file.hpp"

namespace terrace::calibrate {

struct TestFile::File {
  int descriptor = -1;
  Bytes size{};
  bool direct = false;
  std::vector<std::string> caveats;

  File() = default;
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// What every command has to keep: alignment, and the end of the file.
  void check(std::int64_t offset, std::span<const std::byte> memory) const;
};

/// A new file without a name, open for reading and writing. Throws as TestFile does.
int open_nameless(const std::filesystem::path& directory);

/// Takes the room at once, where the file system can, so that writes measure no allocation. Throws
/// as TestFile does.
void allocate(int descriptor, Bytes size, const std::filesystem::path& directory);

/// Throws if `size` and a tenth of the disk are not free, or files may not be so large.
void check_room(int descriptor, Bytes size, const std::filesystem::path& directory);

/// Why the kernel gives no io_uring that reads and writes; empty if it does.
std::string io_uring_refusal();

}  // namespace terrace::calibrate
