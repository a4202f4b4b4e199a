#include "calibrate/measuring/machine_lock.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace terrace::calibrate {

std::filesystem::path MachineLock::shared_directory(
    std::span<const std::filesystem::path> candidates) {
  constexpr mode_t kForAll = S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO;
  for (const std::filesystem::path& directory : candidates) {
    struct stat what {};
    struct statvfs where {};
    if (stat(directory.c_str(), &what) != 0 || statvfs(directory.c_str(), &where) != 0) continue;
    const bool for_all = S_ISDIR(what.st_mode) && (what.st_mode & kForAll) == kForAll;
    if (for_all && (where.f_flag & ST_RDONLY) == 0) return directory;
  }
  return {};
}

std::filesystem::path MachineLock::usual_directory() {
  const char* chosen = std::getenv("TERRACE_LOCK_DIR");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  // Never below TMPDIR, which differs from user to user.
  static const std::array<std::filesystem::path, 3> kShared = {"/run/lock", "/dev/shm", "/tmp"};
  std::filesystem::path found = shared_directory(kShared);
  if (!found.empty()) return found;
  throw std::runtime_error(
      "no place for the lock that keeps two calibrations from measuring each other: neither "
      "/run/lock nor /dev/shm nor /tmp is a directory that all may write to; TERRACE_LOCK_DIR=DIR "
      "says where else");
}

MachineLock::MachineLock(const std::filesystem::path& directory) {
  const std::string path = (directory / "terrace-calibrate.lock").string();
  constexpr int kHow = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  // Another user's file can be locked, but not created anew.
  file_ = open(path.c_str(), kHow);
  if (file_ == -1 && errno == ENOENT) {
    file_ = open(path.c_str(), kHow | O_CREAT, 0644);
    if (file_ != -1) static_cast<void>(fchmod(file_, 0644));  // whatever the umask leaves of it
  }
  if (file_ == -1) {
    throw std::runtime_error(
        fmt::format("cannot open {}, the lock that keeps two calibrations from measuring each "
                    "other: {}; TERRACE_LOCK_DIR=DIR says where else it may be",
                    path, std::strerror(errno)));
  }
  if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  close(file_);
  if (reason == EWOULDBLOCK) {
    throw MachineBusy(
        fmt::format("another calibration is under way on this machine, and two would measure each "
                    "other: wait until it is done ('fuser {}' says who it is)",
                    path));
  }
  throw std::runtime_error(fmt::format("cannot lock {}: {}", path, std::strerror(reason)));
}

MachineLock::~MachineLock() { close(file_); }

}  // namespace terrace::calibrate
