#include "sim/app/machine.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace terrace::app::machine {
namespace {

namespace fs = std::filesystem;

/// A number of /proc/meminfo, in its own unit: kB, or pages.
std::optional<std::int64_t> meminfo(const std::string& key) {
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key + ":")) continue;
    return std::strtoll(line.c_str() + key.size() + 1, nullptr, 10);
  }
  return std::nullopt;
}

std::string gib(std::int64_t kib) {
  return fmt::format("{:.1f} GiB", static_cast<double>(kib) / (1024.0 * 1024.0));
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

template <class F>
F* symbol(void* library, const char* name) {
  return reinterpret_cast<F*>(dlsym(library, name));
}

}  // namespace

std::string cores() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  const unsigned all = std::thread::hardware_concurrency();
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return fmt::format("{}", all);
  return fmt::format("{} usable of {}", CPU_COUNT(&usable), sysconf(_SC_NPROCESSORS_ONLN));
}

std::string memory() {
  const auto total = meminfo("MemTotal");
  const auto available = meminfo("MemAvailable");
  if (!total || !available) return "unknown: /proc/meminfo does not say";
  return fmt::format("{} available of {}", gib(*available), gib(*total));
}

std::string huge_pages() {
  const auto reserved = meminfo("HugePages_Total");
  const auto size = meminfo("Hugepagesize");
  std::string text = reserved && size ? fmt::format("{} reserved of {} KiB", *reserved, *size)
                                      : std::string("none reserved");
  std::ifstream in("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string modes;
  std::getline(in, modes);
  const auto begin = modes.find('[');
  const auto end = modes.find(']');
  if (begin == std::string::npos || end == std::string::npos) return text;
  return text + fmt::format("; transparent: {}", modes.substr(begin + 1, end - begin - 1));
}

std::string cuda() {
  const auto close_library = [](void* library) { dlclose(library); };
  const std::unique_ptr<void, decltype(close_library)> library(dlopen("libcuda.so.1", RTLD_NOW),
                                                               close_library);
  if (!library) return "no driver (libcuda.so.1 is not there)";
  auto* const init = symbol<int(unsigned)>(library.get(), "cuInit");
  auto* const version = symbol<int(int*)>(library.get(), "cuDriverGetVersion");
  auto* const count = symbol<int(int*)>(library.get(), "cuDeviceGetCount");
  auto* const get = symbol<int(int*, int)>(library.get(), "cuDeviceGet");
  auto* const name = symbol<int(char*, int, int)>(library.get(), "cuDeviceGetName");
  if (!init || !version || !count || !get || !name)
    return "a driver that lacks the usual functions";
  int number = 0;
  static_cast<void>(version(&number));
  std::string text = fmt::format("driver for CUDA {}.{}", number / 1000, number % 1000 / 10);
  if (const int error = init(0); error != 0)
    return text + fmt::format("; cuInit fails with {}", error);
  int devices = 0;
  if (count(&devices) != 0 || devices == 0) return text + "; no GPU";
  for (int i = 0; i < devices; ++i) {
    int device = 0;
    char model[128] = "unnamed";
    if (get(&device, i) == 0) static_cast<void>(name(model, sizeof model, device));
    text += fmt::format("; GPU {}: {}", i, model);
  }
  return text;
}

std::string on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string file = (fs::path(folder) / program).string();
    if (access(file.c_str(), X_OK) == 0) return file;
  }
  return "not on PATH";
}

std::string direct_io(const std::string& directory) {
  constexpr std::size_t kBlock = 4096;
  std::string path = (fs::path(directory) / "terrace-doctor-XXXXXX").string();
  const auto failed = [&](const char* what) {
    return fmt::format("{}: {}: {}", directory, what, std::strerror(errno));
  };
  const Descriptor scratch(mkstemp(path.data()));
  if (!scratch.ok()) return failed("cannot make a file");
  const Descriptor direct(open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
  const int error = errno;
  unlink(path.c_str());
  errno = error;
  if (!direct.ok()) return failed("not supported");
  const std::unique_ptr<void, decltype(&std::free)> block(std::aligned_alloc(kBlock, kBlock),
                                                          &std::free);
  if (!block) return failed("no memory");
  std::memset(block.get(), 0, kBlock);
  if (pwrite(direct.get(), block.get(), kBlock, 0) != static_cast<ssize_t>(kBlock)) {
    return failed("cannot write");
  }
  if (pread(direct.get(), block.get(), kBlock, 0) != static_cast<ssize_t>(kBlock)) {
    return failed("cannot read");
  }
  return fmt::format("{}: works", directory);
}

std::string io_uring() {
  io_uring_params parameters{};
  const Descriptor ring(static_cast<int>(syscall(SYS_io_uring_setup, 1, &parameters)));
  if (ring.ok()) return "works";
  switch (errno) {
    case ENOSYS:
      return "not in this kernel (ENOSYS)";
    case EPERM:
      return "forbidden here (EPERM), as in many containers; see kernel.io_uring_disabled";
    default:
      return fmt::format("fails: {}", std::strerror(errno));
  }
}

std::string terminal() {
  if (isatty(STDERR_FILENO) != 1) return "none: no progress is shown";
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return "yes";
  return fmt::format("{} x {}", size.ws_col, size.ws_row);
}

}  // namespace terrace::app::machine
