#include "calibrate/measuring/drive_load.hpp"

#include <atomic>
#include <cstring>
#include <span>

#include "calibrate/measuring/sample.hpp"
#include "sim/base/check.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kStretch = 0.005;  // seconds between looks whether to stop

/// Makes every block one that was never written, so that no drive and no file system finds that it
/// has it already: a number of its own in each, over all loads of the process.
void stamp(std::span<std::byte> memory) {
  static std::atomic<std::uint64_t> written{0};
  const std::uint64_t blocks = memory.size() / TestFile::kAlignment;
  std::uint64_t number = written.fetch_add(blocks, std::memory_order_relaxed);
  for (std::size_t at = 0; at < memory.size(); at += TestFile::kAlignment) {
    std::memcpy(memory.data() + at, &++number, sizeof number);
  }
}

}  // namespace

DriveLoad::DriveLoad(const TestFile& file, const LoadSpec& spec)
    : file_(file),
      spec_(spec),
      io_(static_cast<std::size_t>(spec.io.count())),
      memory_(io_memory(io_ * spec.depth)),
      queue_(file, spec.depth),
      random_(spec.seed, "calibrate/places"),
      places_(file.size().count() / spec.io.count()) {
  TERRACE_CHECK(places_ > 0 && spec.write_percent >= 0 && spec.write_percent <= 100);
  if (spec.write_percent > 0) fill_incompressible({memory_.get(), io_ * spec.depth}, spec.seed);
}

void DriveLoad::submit(std::uint64_t slot) {
  const auto place =
      spec_.order == Order::sequential
          ? next_++ % places_
          : static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(places_)));
  // Command i is a write if the share of writes passes a whole number there.
  const std::int64_t i = submitted_++;
  const bool writes = (i + 1) * spec_.write_percent / 100 > i * spec_.write_percent / 100;
  const std::span memory(memory_.get() + slot * io_, io_);
  if (writes) stamp(memory);  // it may have been written, or read, before
  queue_.submit(
      {writes ? IoDirection::write : IoDirection::read, place * spec_.io.count(), memory, slot});
}

DriveLoad::Done DriveLoad::run(double seconds, Bytes most, std::int64_t least) {
  if (queue_.in_flight() == 0) {
    for (unsigned slot = 0; slot < spec_.depth; ++slot) submit(slot);
    last_ = steady_seconds();
  }
  const double begin = last_;
  Done done;
  do {
    submit(queue_.wait());
    ++done.commands;
    last_ = steady_seconds();
    done.seconds = last_ - begin;
  } while (done.commands < least ||
           (done.seconds < seconds && done.commands * spec_.io.count() < most.count()));
  return done;
}

BackgroundLoad::BackgroundLoad(const TestFile& file, const LoadSpec& spec, Bytes most)
    : thread_([this, &file, spec, most](const std::stop_token& stop) {
        try {
          DriveLoad load(file, spec);
          while (!stop.stop_requested() && bytes_ < most.count()) {
            bytes_ += load.run(kStretch, most - Bytes{bytes_}).commands * spec.io.count();
          }
        } catch (...) {
          failure_ = std::current_exception();
          failed_ = true;
        }
      }) {}

std::int64_t BackgroundLoad::bytes() const {
  if (failed_) std::rethrow_exception(failure_);
  return bytes_;
}

}  // namespace terrace::calibrate
