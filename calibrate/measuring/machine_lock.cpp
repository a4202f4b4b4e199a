#include "calibrate/measuring/machine_lock.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace terrace::calibrate {

std::filesystem::path MachineLock::usual_directory() {
  return std::filesystem::temp_directory_path();
}

MachineLock::MachineLock(const std::filesystem::path& directory) {
  const std::string path = (directory / "terrace-calibrate.lock").string();
  // Another user's file can be locked, but not created anew.
  file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file_ == -1 && errno == ENOENT) {
    file_ = open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file_ != -1) static_cast<void>(fchmod(file_, 0644));  // whatever the umask leaves of it
  }
  if (file_ == -1) {
    throw std::runtime_error(
        fmt::format("cannot open the lock {}: {}", path, std::strerror(errno)));
  }
  if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  close(file_);
  if (reason == EWOULDBLOCK) {
    throw MachineBusy(
        "another calibration is under way on this machine, and two would measure each other: wait "
        "until it is done");
  }
  throw std::runtime_error(fmt::format("cannot lock {}: {}", path, std::strerror(reason)));
}

MachineLock::~MachineLock() { close(file_); }

}  // namespace terrace::calibrate
