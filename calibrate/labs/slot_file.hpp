#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calibrate/disk/test_file.hpp"
#include "sim/base/units.hpp"

namespace terrace::labs {

/// A file of numbered places for blocks, with many commands in flight. One thread may read while
/// another one writes; who reads a place that is being written gets either.
class SlotFile {
 public:
  struct Read {
    std::int32_t slot = 0;
    std::span<std::byte> to;  // slot_bytes() of io_memory()
  };

  /// In that directory, without a name, so that nothing is left of it. `depth` commands at a time,
  /// each way. Throws std::runtime_error as calibrate::TestFile does.
  SlotFile(const std::filesystem::path& directory, Bytes block, std::int64_t slots, unsigned depth);

  /// Of a place: a block, and what makes it a whole number of the disk's.
  [[nodiscard]] std::size_t slot_bytes() const { return slot_bytes_; }
  /// What was lost, if anything, such as bypassing the page cache.
  [[nodiscard]] const std::vector<std::string>& caveats() const { return file_.caveats(); }

  /// All of them; returns when the last is there. Throws std::system_error.
  void read(std::span<const Read> blocks);

  /// Copies a block and starts to write it; waits for an earlier one if too many are on their way,
  /// or one to the same place. Throws std::system_error, for an earlier one, too; nothing is on its
  /// way then, and the file can be used as before.
  void write(std::int32_t slot, std::span<const std::byte> block);
  /// Returns when all is written. After a failed write, what that place holds is anybody's guess.
  void flush();

 private:
  void await_write();

  std::size_t slot_bytes_;
  unsigned depth_;
  std::shared_ptr<std::byte> staging_;  // of `depth` writes; outlives the queues, which read it
  std::vector<std::int32_t> writing_;   // by place in the staging buffer: the slot, or -1
  calibrate::TestFile file_;
  calibrate::IoQueue reads_;
  calibrate::IoQueue writes_;
};

/// Aligned memory for numbered blocks, which SlotFile can read to.
class SlotMemory {
 public:
  SlotMemory() = default;
  SlotMemory(std::size_t slot_bytes, std::int64_t slots)
      : slot_bytes_(slot_bytes),
        memory_(calibrate::io_memory(slot_bytes * static_cast<std::size_t>(slots))) {}

  [[nodiscard]] std::span<std::byte> operator[](std::size_t slot) const {
    return {memory_.get() + slot * slot_bytes_, slot_bytes_};
  }

 private:
  std::size_t slot_bytes_ = 0;
  std::shared_ptr<std::byte> memory_;
};

}  // namespace terrace::labs
