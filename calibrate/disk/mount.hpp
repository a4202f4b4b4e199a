#pragma once

#include <filesystem>
#include <istream>
#include <string>

namespace terrace::calibrate {

/// What a directory lies on, of /proc/self/mountinfo (man 5 proc).
struct Mount {
  std::string device;       // "254:0", or "0:23" where the file system has no block device
  std::string file_system;  // "ext4"
  std::string source;       // "/dev/vda"; anything where there is no block device

  /// Whether it keeps files in memory alone.
  [[nodiscard]] bool in_memory() const;
};

/// Of the last mount in `table` that hides no part of `directory`, an absolute path without links.
/// All empty if there is none.
Mount mount_of(const std::filesystem::path& directory, std::istream& table);
/// Of this machine.
Mount mount_of(const std::filesystem::path& directory);

}  // namespace terrace::calibrate
