#include "calibrate/fitting/profile_file.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::calibrate {
namespace {

/// Keeps other calibrations from changing profiles of the same folder; the profile itself gives way
/// to a new file, and could not be locked.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& file) {
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    file_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file_ < 0) {
      throw std::runtime_error("cannot write " + file.string() + ": " +
                               std::generic_category().message(errno));
    }
    static_cast<void>(flock(file_, LOCK_EX));  // some network storage knows no locks
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() { close(file_); }

 private:
  int file_;
};

}  // namespace

KernelProfile open_profile(const std::string& path, const GpuSpec& gpu) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return {gpu.name, gpu.memory_bandwidth, gpu.bf16, {}};
  auto profile = config::read_file<KernelProfile>(path);
  if (profile.is_of(gpu)) return profile;
  throw config::ConfigError(
      fmt::format("{}: error: a profile of '{}', not of '{}'; give another file to --out", path,
                  profile.gpu, gpu.name));
}

bool put_fit(const GpuSpec& gpu, KernelFit fit, const std::string& path) {
  const FolderLock lock(path);
  KernelProfile profile = open_profile(path, gpu);
  const auto same = std::find_if(profile.fits.begin(), profile.fits.end(),
                                 [&](const KernelFit& other) { return other.same_key(fit); });
  const bool replaced = same != profile.fits.end();
  if (replaced) {
    *same = std::move(fit);
  } else {
    profile.fits.push_back(std::move(fit));
  }
  const auto key = [](const KernelFit& one) {
    return std::tuple(std::string_view(one.form.text), one.dtype, one.head_dim, one.gpus);
  };
  std::stable_sort(profile.fits.begin(), profile.fits.end(),
                   [&](const KernelFit& a, const KernelFit& b) { return key(a) < key(b); });
  replace_file(path, fmt::format("# How long kernels take on {}, as fitted by terrace calibrate.\n",
                                 profile.gpu) +
                         config::Writer().write(profile));
  return replaced;
}

}  // namespace terrace::calibrate
