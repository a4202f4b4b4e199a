#include "calibrate/measuring/drive_load.hpp"

#include <algorithm>

#include "calibrate/measuring/sample.hpp"
#include "sim/base/check.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::int64_t kLeastCommands = 4;
constexpr unsigned kMostSources = 8;
constexpr double kStretch = 0.005;  // seconds between looks whether to stop

}  // namespace

DriveLoad::DriveLoad(const TestFile& file, const LoadSpec& spec)
    : file_(file),
      spec_(spec),
      io_(static_cast<std::size_t>(spec.io.count())),
      sources_(spec.write_percent > 0 ? std::min(spec.depth, kMostSources) : 0),
      memory_(io_memory(io_ * (sources_ + (spec.write_percent < 100 ? spec.depth : 0)))),
      queue_(file, spec.depth),
      random_(spec.seed, "calibrate/places"),
      places_(file.size().count() / spec.io.count()) {
  TERRACE_CHECK(places_ > 0 && spec.write_percent >= 0 && spec.write_percent <= 100);
  fill_incompressible({memory_.get(), io_ * sources_}, spec.seed);
}

void DriveLoad::submit(std::uint64_t slot) {
  const auto place =
      spec_.order == Order::sequential
          ? next_++ % places_
          : static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(places_)));
  // Command i is a write if the share of writes passes a whole number there.
  const std::int64_t i = submitted_++;
  const bool writes = (i + 1) * spec_.write_percent / 100 > i * spec_.write_percent / 100;
  // What is read must not be written: it would be nothing new to the drive.
  const std::size_t at = writes ? static_cast<std::size_t>(i) % sources_ : sources_ + slot;
  queue_.submit({writes ? IoDirection::write : IoDirection::read,
                 place * spec_.io.count(),
                 {memory_.get() + at * io_, io_},
                 slot});
}

DriveLoad::Done DriveLoad::run(double seconds, Bytes most) {
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
  } while (done.commands < kLeastCommands ||
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
