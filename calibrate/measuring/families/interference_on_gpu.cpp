#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/families/interference.hpp"
#include "calibrate/measuring/stop.hpp"
#include "calibrate/measuring/words.hpp"
#include "kernels/copy_traffic.hpp"
#include "kernels/cuda/transfers.hpp"
#include "kernels/gemm.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;
using kernels::Copier;
using kernels::CopyTraffic;
using kernels::Element;
using kernels::Traffic;
using kernels::TrafficSeen;

/// Of PCIe 5.0 a millisecond each: the host, which starts them some ahead, keeps up easily.
constexpr Bytes kCopy = 64_MiB;
constexpr std::int64_t kRow = 4096;  // of products, which are square

/// Batches of many copies, so that where they begin and end says little.
constexpr Sampling kSampling{
    .warmups = 1, .batches = 10, .most_seconds = 0.25, .batch_seconds = 0.02};
constexpr double kWindow = 0.02;  // seconds that copies are counted for, at least
constexpr int kLeastCopies = 3;   // that a rate is told by

enum class Work : std::uint8_t { none, decode, gemm };
constexpr std::array<std::string_view, 3> kWorkNames = {"none", "decode", "gemm"};

std::string_view name_of(Work work) { return kWorkNames.at(static_cast<std::size_t>(work)); }
std::string_view name_of(Copier by) { return by == Copier::engine ? "engine" : "multiprocessors"; }

/// What a GPU computes meanwhile: calls that take turns among cold operands.
class Computation {
 public:
  Computation(Bench& bench, Work work) {
    Operands& operands = *bench.operands;
    if (work == Work::decode) {
      step_.emplace(operands, std::min(1_GiB, Bytes{bench.memory.count() / 16}));
      starts_.assign(step_->starts().begin(), step_->starts().end());
    } else if (work == Work::gemm) {
      const auto a = operands.next(Element::bf16, kRow * kRow);
      const auto b = operands.next(Element::bf16, kRow * kRow);
      out_ = operands.allocate(Bytes{kRow * kRow * 2});
      starts_.push_back(operands.kernels().prepare(
          kernels::Gemm{a, b, {Element::bf16, out_.get()}, kRow, kRow, kRow}));
    }
  }

  [[nodiscard]] std::span<const kernels::Start> starts() const { return starts_; }

 private:
  std::optional<DecodeStep> step_;
  std::shared_ptr<std::byte> out_;
  std::vector<kernels::Start> starts_;
};

double rate_of(const TrafficSeen& from, const TrafficSeen& to, Bytes size) {
  return static_cast<double>(to.copies - from.copies) * static_cast<double>(size.count()) * 1e-9 /
         (to.at - from.at);
}

/// Notes that copies were in flight all the time, or throws what says that they were not.
void prove_overlap(Sample& sample, const TrafficSeen& from, const TrafficSeen& to, Bytes size) {
  if (to.copies == from.copies) {
    throw std::runtime_error(
        "no copy came to its end meanwhile: what was timed kept them waiting, or they it");
  }
  if (to.pauses > from.pauses) {
    throw std::runtime_error(
        fmt::format("{} times no copy was in flight meanwhile: the host did not keep up, as it had "
                    "other work; what was timed is not beside copies",
                    to.pauses - from.pauses));
  }
  sample.beside = {{"copies", static_cast<double>(to.copies - from.copies)},
                   {"copy_gbs", rate_of(from, to, size)}};
}

CopyTraffic traffic_of(Bench& bench, const Traffic& traffic) {
  return CopyTraffic(
      [transfers = bench.transfers, traffic] { return transfers->open_lane(traffic); });
}

Sample work_time(Bench& bench, Work work, std::optional<Traffic> traffic) {
  const Computation computation(bench, work);
  if (!traffic) return bench.operands->time(computation.starts(), kSampling);
  const CopyTraffic copies = traffic_of(bench, *traffic);
  const TrafficSeen before = copies.seen_after(kernels::kCopiesAhead);
  Sample sample = bench.operands->time(computation.starts(), kSampling);
  prove_overlap(sample, before, copies.seen(), traffic->size);
  return sample;
}

/// Seconds of a copy that nothing is beside.
double copy_time(const CopyTraffic& copies, const TrafficSeen& first) {
  const TrafficSeen later = copies.seen_after(first.copies + kLeastCopies);
  return (later.at - first.at) / static_cast<double>(later.copies - first.copies);
}

/// The copies' rate while the device computes for as long as they are counted: the window begins
/// and ends with a copy's end, within the computation.
Sample copy_rate(Bench& bench, Work work, const Traffic& traffic) {
  const Computation computation(bench, work);
  const std::span<const kernels::Start> starts = computation.starts();
  kernels::KernelSet& kernels = bench.kernels;
  double call = 0;
  if (!starts.empty()) call = kernels.seconds(starts, 1) / static_cast<double>(starts.size());
  const CopyTraffic copies = traffic_of(bench, traffic);
  const TrafficSeen first = copies.seen_after(kernels::kCopiesAhead);
  std::int64_t calls = 0;
  std::size_t next = 0;
  if (!starts.empty()) {
    // Beside it copies may take twice as long; one is under way when it begins.
    const double window =
        std::max(1.5 * kWindow, 2 * (kLeastCopies + 1) * copy_time(copies, first));
    calls = static_cast<std::int64_t>(std::ceil(std::min(window / call, 1e6)));
  }
  const auto rate = [&] {
    throw_if_interrupted();
    for (std::int64_t i = 0; i < calls; ++i) starts[next++ % starts.size()]();
    const TrafficSeen from = copies.seen_after(copies.seen().copies + 1);
    TrafficSeen to = from;
    if (calls > 0) {
      kernels.wait();
      to = copies.seen();  // before anything else, as what comes now is beside nothing
      if (to.copies < from.copies + kLeastCopies) {
        throw std::runtime_error(fmt::format(
            "{} copies came to their end while the device computed: too few to tell their rate, "
            "as copies took far longer than before, or the computation less",
            to.copies - from.copies));
      }
    } else {
      to = copies.seen_after(from.copies + kLeastCopies);
      while (to.at - from.at < kWindow) to = copies.seen_after(to.copies + 1);
    }
    return rate_of(from, to, traffic.size);
  };
  Sample sample = calibrate::sample(rate, kSampling);
  prove_overlap(sample, first, copies.seen(), traffic.size);
  return sample;
}

std::vector<TimedKernel> kernels_of(Work work) {
  if (work == Work::decode) return {DecodeStep::kKernel};
  if (work == Work::gemm) return {kernels::proof::GemmKernel{}};
  return {};
}

Measurement work_point(Work work, std::optional<Traffic> traffic) {
  const std::string load =
      traffic ? fmt::format("{}/{}", name_of(traffic->by), word(traffic->way)) : "none";
  nlohmann::ordered_json x = {{"op", name_of(work)}, {"load", traffic ? "copy" : "none"}};
  if (traffic) x.update({{"by", name_of(traffic->by)}, {"direction", word(traffic->way)}});
  return {.id = fmt::format("interference/{}/{}", name_of(work), load),
          .x = std::move(x),
          .cache = "cold",
          .unit = "us",
          .seconds = 0.5,
          .measure = [=](Bench& bench) { return work_time(bench, work, traffic); },
          .kernels = kernels_of(work)};
}

Measurement copy_point(const Traffic& traffic, Work work) {
  return {.id = fmt::format("interference/copy/{}/{}/{}", name_of(traffic.by), word(traffic.way),
                            name_of(work)),
          .x = {{"op", "copy"},
                {"load", name_of(work)},
                {"by", name_of(traffic.by)},
                {"direction", word(traffic.way)},
                {"bytes", traffic.size.count()}},
          .cache = "cold",
          .unit = "GB/s",
          .seconds = 0.5,
          .measure = [=](Bench& bench) { return copy_rate(bench, work, traffic); },
          .kernels = kernels_of(work)};
}

}  // namespace

std::vector<Measurement> interference_on_gpu(const Extent& extent) {
  std::vector<Measurement> all;
  if (extent.memory < 2_GiB) return all;
  for (const Work work : {Work::decode, Work::gemm}) all.push_back(work_point(work, std::nullopt));
  for (const auto way : {kernels::Transfer::to_device, kernels::Transfer::to_host}) {
    if (extent.quick && way == kernels::Transfer::to_host) continue;
    for (const Copier by : {Copier::engine, Copier::multiprocessors}) {
      const Traffic traffic{by, way, kCopy};
      for (const Work work : {Work::decode, Work::gemm}) all.push_back(work_point(work, traffic));
      for (const Work work : {Work::none, Work::decode, Work::gemm}) {
        all.push_back(copy_point(traffic, work));
      }
    }
  }
  return all;
}

}  // namespace terrace::calibrate::family
