#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/base/function_ref.hpp"
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
/// however the program ends. It is full of random bytes, and bypasses the page cache (O_DIRECT)
/// where the file system lets it.
class TestFile {
 public:
  static constexpr std::size_t kAlignment = 4096;

  /// Is told how much of the file has been filled, several times a second; what it throws ends the
  /// filling, and goes on to the caller.
  using Progress = FunctionRef<void(Bytes)>;

  /// Writes `size` bytes, a multiple of kAlignment. Throws std::runtime_error with what to do: no
  /// such directory, no permission, no room (the file and a tenth of the disk have to fit what is
  /// free), an error of the disk.
  TestFile(
      const std::filesystem::path& directory, Bytes size, Progress progress = [](Bytes) {});
  ~TestFile();
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  [[nodiscard]] Bytes size() const;
  /// Whether reads and writes go past the page cache.
  [[nodiscard]] bool direct() const;
  /// For others who read and write it: cuFile. Places and sizes are multiples of kAlignment.
  [[nodiscard]] int descriptor() const;
  /// So far, with what it was filled with and what is in flight.
  [[nodiscard]] Bytes written() const;
  /// What was lost, if anything: "no O_DIRECT on overlay: ...". Empty if all is as it should be.
  [[nodiscard]] const std::vector<std::string>& caveats() const;

  /// Whole transfers, one command after the other, aligned as an IoRequest is. Throw
  /// std::system_error.
  void read(std::int64_t offset, std::span<std::byte> to) const;
  void write(std::int64_t offset, std::span<const std::byte> from) const;

 private:
  friend class IoQueue;
  struct File;
  std::unique_ptr<File> file_;
};

/// Commands in flight: io_uring, or a thread for each where the kernel refuses that. For one thread
/// at a time; a file may have several queues.
class IoQueue {
 public:
  /// REQUIRES: depth >= 1. The file has to outlive the queue.
  IoQueue(const TestFile& file, unsigned depth);
  /// Waits for what is in flight.
  ~IoQueue();
  IoQueue(const IoQueue&) = delete;
  IoQueue& operator=(const IoQueue&) = delete;

  [[nodiscard]] bool uses_io_uring() const;
  [[nodiscard]] unsigned in_flight() const { return in_flight_; }
  /// REQUIRES: fewer than `depth` in flight. The memory has to stay until the command is done.
  void submit(const IoRequest& request);
  /// The tag of one that is done, waiting for it. Throws std::system_error if it failed, which
  /// leaves the others in flight. REQUIRES: one in flight.
  std::uint64_t wait();

 private:
  struct Commands;  // io_uring's, or threads'
  struct Ring;
  struct Crew;
  const TestFile& file_;
  unsigned depth_;
  unsigned in_flight_ = 0;
  std::unique_ptr<Commands> commands_;
};

/// Memory that commands can use: aligned, touched, released with the last copy. At least so many
/// bytes; zero gives one that may not be used.
std::shared_ptr<std::byte> io_memory(std::size_t bytes);

/// Fills memory with what no drive compresses or finds it has already, the same for the same seed.
/// Some GB/s.
void fill_incompressible(std::span<std::byte> memory, std::uint64_t seed);

}  // namespace terrace::calibrate
