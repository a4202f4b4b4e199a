#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/base/units.hpp"

namespace terrace::calibrate {

enum class IoDirection : std::uint8_t { read, write };

/// One command of an IoQueue. Offset, size and address are multiples of TestFile::kAlignment.
struct IoRequest {
  IoDirection direction = IoDirection::read;
  std::int64_t offset = 0;  // in the file
  std::span<std::byte> memory;
  std::uint64_t tag = 0;  // comes back with the completion
};

/// A file that has no name, on the disk that `directory` is on, so that nothing of it is left
/// however the program ends. It bypasses the page cache (O_DIRECT) where the file system lets it.
/// Throws std::runtime_error with what to do: no such directory, no permission, no room (the file
/// and a tenth of the disk have to fit what is free), an error of the disk.
class TestFile {
 public:
  static constexpr std::size_t kAlignment = 4096;

  TestFile(const std::filesystem::path& directory, Bytes size);
  ~TestFile();
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  [[nodiscard]] Bytes size() const;
  /// Whether reads and writes go past the page cache.
  [[nodiscard]] bool direct() const;
  /// What was lost, if anything: "no O_DIRECT on overlay: ...". Empty if all is as it should be.
  [[nodiscard]] const std::vector<std::string>& caveats() const;

  /// Whole transfers, one command after the other. Throw std::system_error.
  void read(std::int64_t offset, std::span<std::byte> to) const;
  void write(std::int64_t offset, std::span<const std::byte> from) const;

 private:
  friend class IoQueue;
  struct File;
  std::unique_ptr<File> file_;
};

/// Commands in flight: io_uring, or a thread for each where the kernel refuses that.
class IoQueue {
 public:
  IoQueue(const TestFile& file, unsigned depth);
  ~IoQueue();
  IoQueue(const IoQueue&) = delete;
  IoQueue& operator=(const IoQueue&) = delete;

  [[nodiscard]] bool uses_io_uring() const;
  /// REQUIRES: fewer than `depth` in flight.
  void submit(const IoRequest& request);
  /// The tag of one that is done, waiting for it. Throws std::system_error if it failed.
  /// REQUIRES: one in flight.
  std::uint64_t wait();

 private:
  struct Ring;
  std::unique_ptr<Ring> ring_;
};

/// Memory that commands can use: aligned, touched, released with the last copy.
std::shared_ptr<std::byte> io_memory(std::size_t bytes);

}  // namespace terrace::calibrate
