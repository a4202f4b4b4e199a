// What two things at once cost each other: reads of the disk while it is written, attention while
// something is copied, a copy while attention is computed.

#include <cmath>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include "calibrate/measuring/drive_load.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "calibrate/measuring/stop.hpp"

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

// Reads under writes.

constexpr Bytes kMostWritten = 6_GiB;  // half a second of the fastest drives of the day
constexpr double kWindow = 0.02;       // seconds
constexpr Sampling kReads{.warmups = 1, .batches = 10, .most_seconds = 0.2};

Sample read_latency(Bench& bench, Bytes io, bool under_writes) {
  std::optional<BackgroundLoad> writes;
  if (under_writes) {
    writes.emplace(*bench.disk, LoadSpec{1_MiB, 16, 100, Order::sequential}, kMostWritten);
  }
  DriveLoad reads(*bench.disk, {.io = io, .seed = 2});
  const auto microseconds = [&] {
    throw_if_interrupted();
    if (writes) static_cast<void>(writes->bytes());  // throws if they failed
    const DriveLoad::Done done = reads.run(kWindow, Bytes::max());
    return 1e6 * done.seconds / static_cast<double>(done.commands);
  };
  return sample(microseconds, kReads);
}

void add_reads(std::vector<Measurement>& all) {
  for (const Bytes io : {4_KiB, 1_MiB}) {
    for (const bool under_writes : {false, true}) {
      const std::string_view load = under_writes ? "write" : "none";
      all.push_back(
          {.id = fmt::format("interference/read/{}/{}", io.count(), load),
           .x = {{"op", "read"}, {"io", io.count()}, {"load", load}},
           .cache = "",
           .unit = "us",
           .seconds = 2 * kReads.most_seconds,
           .written = under_writes ? kMostWritten + 32_MiB : 0_B,
           .measure = [=](Bench& bench) { return read_latency(bench, io, under_writes); }});
    }
  }
}

// Attention and copies.

/// A step's attention of a batch of long sequences, on random numbers.
class Decode {
 public:
  explicit Decode(Operands& operands, Bytes kv_bytes) {
    constexpr std::int64_t kHeads = 32;
    constexpr std::int64_t kKvHeads = 8;
    constexpr std::int64_t kHeadDim = 128;
    constexpr std::int64_t kPage = 16;
    constexpr std::int64_t kSequences = 8;
    constexpr auto kType = kernels::Element::bf16;
    const std::int64_t block = kKvHeads * kPage * kHeadDim;  // numbers of keys
    const std::int64_t width = std::max<std::int64_t>(1, kv_bytes.count() / 4 / block / kSequences);
    const std::int64_t blocks = width * kSequences;
    std::vector<std::int32_t> table;
    for (std::int64_t i = 0; i < blocks; ++i) table.push_back(static_cast<std::int32_t>(i));
    const std::vector<std::int32_t> lengths(kSequences, static_cast<std::int32_t>(width * kPage));
    out_ = operands.allocate(Bytes{kSequences * kHeads * kHeadDim * 2});
    kernels::PagedDecode op;
    op.q = operands.next(kType, kSequences * kHeads * kHeadDim);
    op.heads = kHeads;
    op.kv = kernels::paged_kv(kernels::KvLayout::hnd, operands.next(kType, blocks * block),
                              operands.next(kType, blocks * block), kKvHeads, kPage, kHeadDim);
    op.table = {table, lengths, width};
    op.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(kHeadDim)));
    op.out = {kType, out_.get()};
    start_ = operands.kernels().prepare(op);
  }

  [[nodiscard]] const kernels::Start& start() const { return start_; }

 private:
  std::shared_ptr<std::byte> out_;
  kernels::Start start_;
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
  const Decode decode(*bench.operands, working_set(bench));
  HostCopy copy(32_MiB);
  std::optional<Meanwhile> copies;
  if (with_copy) copies.emplace([&] { copy(); });
  return bench.operands->time({&decode.start(), 1});
}

Sample copy_rate(Bench& bench, bool with_decode) {
  const Decode decode(*bench.operands, working_set(bench));
  HostCopy copy(32_MiB);
  std::optional<Meanwhile> decodes;
  if (with_decode) {
    decodes.emplace([&] {
      decode.start()();
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
                   .measure = [=](Bench& bench) { return decode_time(bench, together); }});
    all.push_back({.id = fmt::format("interference/copy/{}", together ? "decode" : "none"),
                   .x = {{"op", "copy"}, {"load", together ? "decode" : "none"}},
                   .cache = "cold",
                   .unit = "GB/s",
                   .seconds = 0.5,
                   .measure = [=](Bench& bench) { return copy_rate(bench, together); }});
  }
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all;
  if (extent.disk >= 1_MiB) add_reads(all);
  add_attention(all);
  return all;
}

}  // namespace

Family interference() {
  return {.name = "interference",
          .summary = "reads of the disk under writes; attention and copies at once",
          .plan = plan};
}

}  // namespace terrace::calibrate::family
