#include "calibrate/disk/open_file.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sim/base/check.hpp"
#include "sim/report/human.hpp"

namespace terrace::calibrate {
namespace {

std::string words_of(int error) { return std::generic_category().message(error); }

[[noreturn]] void refuse(const std::filesystem::path& directory, int error) {
  const char* advice = error == ENOENT || error == ENOTDIR ? "make that directory, or name another"
                       : error == EACCES || error == EPERM || error == EROFS
                           ? "name a directory that you may write to"
                       : error == ENOSPC || error == EDQUOT
                           ? "free some room, or name a directory on another disk"
                           : "name another directory";
  throw std::runtime_error(fmt::format("cannot make a test file in '{}': {}: {}",
                                       directory.string(), words_of(error), advice));
}

}  // namespace

TestFile::File::~File() {
  if (descriptor >= 0) ::close(descriptor);
}

void TestFile::File::check(std::int64_t offset, std::span<const std::byte> memory) const {
  const auto begin = static_cast<std::uint64_t>(offset);
  const auto end = static_cast<std::uint64_t>(size.count());
  TERRACE_CHECK(begin % kAlignment == 0 && memory.size() % kAlignment == 0);
  TERRACE_CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % kAlignment == 0);
  TERRACE_CHECK(begin <= end && !memory.empty() && memory.size() <= end - begin);
}

int open_nameless(const std::filesystem::path& directory) {
  constexpr int kPrivate = S_IRUSR | S_IWUSR;
  const int nameless = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, kPrivate);
  if (nameless >= 0) return nameless;
  // What file systems say that cannot, NFS and overlays on older kernels among them.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) refuse(directory, errno);
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) refuse(directory, ENOTDIR);
  std::string name = (directory / ".terrace-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named < 0) refuse(directory, errno == ENOENT ? EOPNOTSUPP : errno);
  if (::unlink(name.c_str()) == 0) return named;
  const int why = errno;
  ::close(named);
  refuse(directory, why);
}

void allocate(int descriptor, Bytes size, const std::filesystem::path& directory) {
  int result = 0;
  do {
    result = ::fallocate(descriptor, 0, 0, size.count());
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS) refuse(directory, errno);
}

void check_room(int descriptor, Bytes size, const std::filesystem::path& directory) {
  rlimit most{};  // beyond it a signal ends the program
  if (::getrlimit(RLIMIT_FSIZE, &most) == 0 && static_cast<rlim_t>(size.count()) > most.rlim_cur) {
    throw std::runtime_error(fmt::format(
        "a test file of {} is larger than files may be here, {}: raise that limit (ulimit -f)",
        human::bytes(size), human::bytes(static_cast<double>(most.rlim_cur))));
  }
  struct statvfs disk {};
  if (::fstatvfs(descriptor, &disk) != 0) refuse(directory, errno);
  const auto block = static_cast<double>(disk.f_frsize);
  const double free = block * static_cast<double>(disk.f_bavail);
  const double spared = block * static_cast<double>(disk.f_blocks) / 10;
  if (static_cast<double>(size.count()) + spared <= free) return;
  throw std::runtime_error(fmt::format(
      "no room for a test file of {} in '{}': {} are free, and a tenth of the disk, {}, "
      "is left alone: free some room, or name a directory on another disk",
      human::bytes(size), directory.string(), human::bytes(free), human::bytes(spared)));
}

}  // namespace terrace::calibrate
