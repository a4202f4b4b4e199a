#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace terrace::calibrate {

/// An empty directory that goes when this does, on a disk that has room for a small TestFile.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (roomy() / "terrace-disk-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  static std::filesystem::path roomy() {
    namespace fs = std::filesystem;
    for (const fs::path& disk : {fs::temp_directory_path(), fs::path("/dev/shm")}) {
      std::error_code error;
      const fs::space_info space = fs::space(disk, error);
      if (!error && space.available > space.capacity / 10 + (64U << 20U)) return disk;
    }
    return fs::current_path();
  }

  std::filesystem::path path_;
};

}  // namespace terrace::calibrate
