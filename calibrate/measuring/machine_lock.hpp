#pragma once

#include <filesystem>
#include <stdexcept>

namespace terrace::calibrate {

/// Another process holds the lock.
class MachineBusy : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Keeps other calibrations off this machine until the process ends, however it ends: two at once
/// would measure each other. The lock is a file in the directory for temporary files, which all
/// users of a machine share; it stays, empty, and means nothing without its holder.
class MachineLock {
 public:
  /// Throws MachineBusy if another process holds it, std::runtime_error if there can be none.
  explicit MachineLock(const std::filesystem::path& directory = usual_directory());
  ~MachineLock();
  MachineLock(const MachineLock&) = delete;
  MachineLock& operator=(const MachineLock&) = delete;

  static std::filesystem::path usual_directory();

 private:
  int file_ = -1;
};

}  // namespace terrace::calibrate
