#pragma once

#include <filesystem>

namespace terrace::calibrate {

/// Keeps other calibrations off this machine until the process ends, however it ends: two at once
/// would measure each other. The lock is a file in $XDG_RUNTIME_DIR, else in the directory for
/// temporary files; it stays, empty, and means nothing without its holder.
class MachineLock {
 public:
  /// Throws std::runtime_error if another process holds it.
  explicit MachineLock(const std::filesystem::path& directory = usual_directory());
  ~MachineLock();
  MachineLock(const MachineLock&) = delete;
  MachineLock& operator=(const MachineLock&) = delete;

  static std::filesystem::path usual_directory();

 private:
  int file_ = -1;
};

}  // namespace terrace::calibrate
