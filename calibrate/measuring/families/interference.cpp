// What two things at once cost each other in memory: attention while something is copied, a copy
// while attention is computed.

#include "calibrate/measuring/families/interference.hpp"

#include <cstring>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "calibrate/disk/test_file.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;

/// Does `work` over and over on a thread of its own, until this goes.
class Meanwhile {
 public:
  explicit Meanwhile(std::function<void()> work)
      : thread_([work = std::move(work)](const std::stop_token& stop) {
          while (!stop.stop_requested()) work();
        }) {}

 private:
  std::jthread thread_;
};

/// A copy within the host that no cache holds.
class HostCopy {
 public:
  explicit HostCopy(Bytes size)
      : bytes_(static_cast<std::size_t>(size.count())), memory_(io_memory(2 * bytes_)) {}
  void operator()() { std::memcpy(memory_.get() + bytes_, memory_.get(), bytes_); }
  [[nodiscard]] double gigabytes() const { return 1e-9 * static_cast<double>(bytes_); }

 private:
  std::size_t bytes_;
  std::shared_ptr<std::byte> memory_;
};

/// More than the caches hold, so that both sides meet in memory.
Bytes working_set(const Bench& bench) {
  return std::min(std::max(bench.cache * 2, 64_MiB), Bytes{bench.memory.count() / 8});
}

Sample decode_time(Bench& bench, bool with_copy) {
  const DecodeStep decode(*bench.operands, working_set(bench));
  HostCopy copy(32_MiB);
  std::optional<Meanwhile> copies;
  if (with_copy) copies.emplace([&] { copy(); });
  return bench.operands->time(decode.starts());
}

Sample copy_rate(Bench& bench, bool with_decode) {
  const DecodeStep decode(*bench.operands, working_set(bench));
  HostCopy copy(32_MiB);
  std::optional<Meanwhile> decodes;
  if (with_decode) {
    decodes.emplace([&, turn = std::size_t{0}]() mutable {
      decode.starts()[turn++ % decode.starts().size()]();
      bench.kernels.wait();
    });
  }
  const auto rate = [&] {
    const double begin = steady_seconds();
    copy();
    return copy.gigabytes() / (steady_seconds() - begin);
  };
  return sample(rate, {.warmups = 2, .batches = 15, .most_seconds = 0.3});
}

void add_attention(std::vector<Measurement>& all) {
  for (const bool together : {false, true}) {
    all.push_back({.id = fmt::format("interference/decode/{}", together ? "copy" : "none"),
                   .x = {{"op", "decode"}, {"load", together ? "copy" : "none"}},
                   .cache = "cold",
                   .unit = "us",
                   .seconds = 0.5,
                   .measure = [=](Bench& bench) { return decode_time(bench, together); },
                   .kernels = {DecodeStep::kKernel}});
    all.push_back({.id = fmt::format("interference/copy/{}", together ? "decode" : "none"),
                   .x = {{"op", "copy"}, {"load", together ? "decode" : "none"}},
                   .cache = "cold",
                   .unit = "GB/s",
                   .seconds = 0.5,
                   .measure = [=](Bench& bench) { return copy_rate(bench, together); },
                   .kernels = {DecodeStep::kKernel}});
  }
}

std::vector<Measurement> plan(const Extent& extent) {
  // A copy within the host is no neighbour of a GPU's attention.
  if (extent.gpu) return interference_on_gpu(extent);
  std::vector<Measurement> all;
  add_attention(all);
  return all;
}

}  // namespace

Family interference() {
  return {.name = "interference", .summary = "kernels and copies at once", .plan = plan};
}

}  // namespace terrace::calibrate::family
