// From the disk to a GPU's memory and back without the host's memory between, by cuFile; or with
// it, where cuFile is in its compatibility mode, which the run says.

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "calibrate/disk/test_file.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/stop.hpp"
#include "calibrate/vendor/cu_file.hpp"
#include "kernels/cuda/transfers.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/random.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;

struct Direct {
  Bytes io{};
  int threads = 1;
  bool write = false;
};

constexpr double kWindow = 0.05;       // seconds of a batch, about
constexpr Bytes kMostWritten = 2_GiB;  // of a point, but for one command of each thread and batch

constexpr int kMostBatches = 22;  // two tries, with a batch to warm up

Sampling sampling_of_direct(bool quick) {
  return {.warmups = 1, .batches = 10, .most_seconds = quick ? 0.2 : 0.5};
}

/// Threads that transfer at random places of the file, each with its part of the GPU's memory.
class Crew {
 public:
  Crew(Bench& bench, const Direct& direct)
      : bench_(bench),
        direct_(direct),
        bytes_(static_cast<std::size_t>(direct.io.count())),
        memory_(bench.transfers->exposed_memory(direct.io * direct.threads)),
        transfers_(*bench.cu_file, bench.disk->descriptor(), memory_.get(),
                   bytes_ * static_cast<std::size_t>(direct.threads)) {
    // Zeros would be no work for some drives.
    const auto random = io_memory(bytes_ * static_cast<std::size_t>(direct.threads));
    const std::span all(random.get(), bytes_ * static_cast<std::size_t>(direct.threads));
    fill_incompressible(all, 7);
    bench.kernels.upload(memory_.get(), all);
  }

  /// GB/s of all threads, for as long as a window.
  double rate() {
    throw_if_interrupted();
    std::atomic<std::int64_t> done{0};
    const double begin = steady_seconds();
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < direct_.threads; ++i) {
        threads.emplace_back([this, i, begin, &done] { work(i, begin, done); });
      }
    }
    const double seconds = steady_seconds() - begin;
    if (error_) std::rethrow_exception(error_);
    ++round_;
    return 1e-9 * static_cast<double>(done) * static_cast<double>(bytes_) / seconds;
  }

 private:
  void work(int index, double begin, std::atomic<std::int64_t>& done) {
    try {
      bench_.transfers->use_here();
      Random random(static_cast<std::uint64_t>(round_ * direct_.threads + index), "calibrate/gds");
      const auto places = static_cast<std::uint64_t>(bench_.disk->size() / direct_.io);
      const std::size_t mine = bytes_ * static_cast<std::size_t>(index);
      do {
        const auto at = static_cast<std::int64_t>(random.below(places)) * direct_.io.count();
        if (direct_.write) {
          transfers_.write(at, mine, bytes_);
        } else {
          transfers_.read(at, mine, bytes_);
        }
        ++done;
        if (direct_.write) written_ += direct_.io.count();
      } while (steady_seconds() - begin < kWindow && written_ < kMostWritten.count());
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
  }

  Bench& bench_;
  Direct direct_;
  std::size_t bytes_;
  std::shared_ptr<std::byte> memory_;
  DirectTransfers transfers_;
  std::int64_t round_ = 0;
  std::atomic<std::int64_t> written_{0};
  std::mutex mutex_;
  std::exception_ptr error_;
};

Sample measure(Bench& bench, const Direct& direct, const Sampling& sampling) {
  Crew crew(bench, direct);
  return sample([&] { return crew.rate(); }, sampling);
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all;
  const Sampling sampling = sampling_of_direct(extent.quick);
  const double seconds = sampling.most_seconds + 2 * kWindow;
  for (const Bytes io : {64_KiB, 1_MiB, 4_MiB}) {
    for (const int threads : {1, 8}) {
      if (extent.disk < io * threads) continue;
      for (const bool write : {false, true}) {
        const std::string_view op = write ? "write" : "read";
        const Direct direct{io, threads, write};
        all.push_back({.id = fmt::format("gds/{}/{}/t{}", op, io.count(), threads),
                       .x = {{"op", op}, {"io", io.count()}, {"threads", threads}},
                       .cache = "",
                       .unit = "GB/s",
                       .seconds = seconds,
                       .written = write ? kMostWritten + io * (threads * kMostBatches) : 0_B,
                       .measure = [=](Bench& bench) { return measure(bench, direct, sampling); }});
      }
    }
  }
  return all;
}

}  // namespace

Family gds() {
  return {.name = "gds",
          .summary = "disk to GPU and back by GPUDirect Storage, where cuFile opens",
          .needs_gpu = true,
          .needs_disk = true,
          .needs_direct_disk = true,
          .plan = plan};
}

}  // namespace terrace::calibrate::family
