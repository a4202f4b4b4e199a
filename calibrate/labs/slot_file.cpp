#include "calibrate/labs/slot_file.hpp"

#include <algorithm>
#include <system_error>

#include "sim/base/check.hpp"

namespace terrace::labs {
namespace {

using calibrate::IoDirection;
using calibrate::IoQueue;
using calibrate::TestFile;

constexpr std::int32_t kIdle = -1;

std::size_t rounded_up(Bytes block) {
  const auto bytes = static_cast<std::size_t>(block.count());
  return (bytes + TestFile::kAlignment - 1) / TestFile::kAlignment * TestFile::kAlignment;
}

/// Waits for all that is in flight, failed or not: the first failure is told by who calls this.
void drain(IoQueue& queue) {
  while (queue.in_flight() > 0) {
    try {
      queue.wait();
    } catch (const std::system_error&) {  // the first one is told
    }
  }
}

}  // namespace

SlotFile::SlotFile(const std::filesystem::path& directory, Bytes block, std::int64_t slots,
                   unsigned depth)
    : slot_bytes_(rounded_up(block)),
      depth_(depth),
      staging_(calibrate::io_memory(slot_bytes_ * depth)),
      writing_(depth, kIdle),
      file_(directory, Bytes{static_cast<std::int64_t>(slot_bytes_) * slots}),
      reads_(file_, depth),
      writes_(file_, depth) {}

void SlotFile::read(std::span<const Read> blocks) {
  const auto await_all = [this] {
    while (reads_.in_flight() > 0) reads_.wait();
  };
  try {
    for (const Read& block : blocks) {
      TERRACE_CHECK(block.to.size() == slot_bytes_);
      if (reads_.in_flight() == depth_) reads_.wait();
      const auto place = static_cast<std::int64_t>(slot_bytes_) * block.slot;
      reads_.submit({IoDirection::read, place, block.to, 0});
    }
    await_all();
  } catch (...) {
    // Nothing may be on its way to the caller's memory when the caller hears of it.
    drain(reads_);
    throw;
  }
}

void SlotFile::write(std::int32_t slot, std::span<const std::byte> block) {
  TERRACE_CHECK(block.size() <= slot_bytes_);
  // Two commands to one place may be done in any order.
  while (std::find(writing_.begin(), writing_.end(), slot) != writing_.end()) await_write();
  if (writes_.in_flight() == depth_) await_write();
  const auto free = std::find(writing_.begin(), writing_.end(), kIdle);
  const auto index = static_cast<std::size_t>(free - writing_.begin());
  const std::span staged(staging_.get() + index * slot_bytes_, slot_bytes_);
  std::copy(block.begin(), block.end(), staged.begin());
  const auto place = static_cast<std::int64_t>(slot_bytes_) * slot;
  writes_.submit({IoDirection::write, place, staged, index});
  *free = slot;
}

void SlotFile::flush() {
  while (writes_.in_flight() > 0) await_write();
}

void SlotFile::await_write() {
  try {
    writing_[writes_.wait()] = kIdle;
  } catch (...) {
    // Which one failed is not told: all are waited for, and all places are free.
    drain(writes_);
    std::fill(writing_.begin(), writing_.end(), kIdle);
    throw;
  }
}

}  // namespace terrace::labs
