#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>

#include "calibrate/disk/test_file.hpp"
#include "sim/base/random.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

enum class Order : std::uint8_t { random, sequential };

/// What a drive is kept busy with: `depth` commands of `io` bytes, always outstanding.
struct LoadSpec {
  Bytes io{};
  unsigned depth = 1;
  int write_percent = 0;  // of the commands, spread evenly
  Order order = Order::random;
  std::uint64_t seed = 1;  // of the places
};

/// One thread's load on a file. For that thread.
class DriveLoad {
 public:
  /// REQUIRES: io is a multiple of TestFile::kAlignment and not larger than the file, which has to
  /// outlive this.
  DriveLoad(const TestFile& file, const LoadSpec& spec);

  struct Done {
    std::int64_t commands = 0;
    double seconds = 0;
  };

  /// Goes on until `seconds` are over or `most` bytes are done, from one completion to another:
  /// what is in flight at the end counts for the next call. That may be done long since, and wait
  /// to be counted: a call tells a rate only if `least` commands are many beside those in flight.
  /// Throws std::system_error if the disk fails.
  Done run(double seconds, Bytes most, std::int64_t least = 4);

 private:
  void submit(std::uint64_t slot);

  const TestFile& file_;
  LoadSpec spec_;
  std::size_t io_;                     // bytes
  std::shared_ptr<std::byte> memory_;  // `io_` of it for each command in flight
  IoQueue queue_;
  Random random_;
  std::int64_t places_;  // of the file, `io` apart
  std::int64_t next_ = 0;
  std::int64_t submitted_ = 0;
  double last_ = 0;  // when the last command was done
};

/// A load on a thread of its own, until this goes.
class BackgroundLoad {
 public:
  /// No more than `most` bytes and what is in flight; then the drive is left alone.
  BackgroundLoad(const TestFile& file, const LoadSpec& spec, Bytes most);

  /// Bytes done so far. Throws what the disk threw.
  [[nodiscard]] std::int64_t bytes() const;

 private:
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;  // set before failed_
  std::jthread thread_;
};

}  // namespace terrace::calibrate
