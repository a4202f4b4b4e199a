#pragma once

#include <filesystem>
#include <span>
#include <stdexcept>

namespace terrace::calibrate {

/// Another process holds the lock.
class MachineBusy : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Keeps other calibrations off this machine until the process ends, however it ends: two at once
/// would measure each other. The lock is a file in a directory that all users of the machine share;
/// it stays, empty, and means nothing without its holder.
class MachineLock {
 public:
  /// Throws MachineBusy if another process holds it, std::runtime_error if there can be none.
  explicit MachineLock(const std::filesystem::path& directory = usual_directory());
  ~MachineLock();
  MachineLock(const MachineLock&) = delete;
  MachineLock& operator=(const MachineLock&) = delete;

  /// $TERRACE_LOCK_DIR, for containers that share a machine and a directory but nothing else; if
  /// that is not set, what shared_directory() finds in /run/lock, /dev/shm and /tmp. Throws
  /// std::runtime_error if there is none.
  static std::filesystem::path usual_directory();

  /// The first where everybody may create files and none but its owner may remove one (mode 1777,
  /// not read-only): by what it is and not by who asks, so that all users find the same. Empty if
  /// there is none.
  static std::filesystem::path shared_directory(std::span<const std::filesystem::path> candidates);

 private:
  int file_ = -1;
};

}  // namespace terrace::calibrate
