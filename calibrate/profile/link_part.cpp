#include "calibrate/profile/link_part.hpp"

#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/link_law.hpp"
#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/descriptor_part.hpp"
#include "calibrate/profile/link_points.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

using forms::Unit;

constexpr std::size_t kFewestCopies = 3;
constexpr double kShortest = 1e-9;  // seconds: less than the first access takes, whatever is copied
constexpr double kLarge = 1024.0 * 1024.0;  // bytes: copies for which the link itself counts

Bytes size_of(const MeasuredPoint& point) { return Bytes{Shape(point).count("bytes")}; }

/// latency + size / bandwidth of these copies; nothing, and a note why, if they do not tell.
std::optional<LinkLawFit> copy_law(PartMaker& maker, std::string_view family, const char* what,
                                   const std::vector<const MeasuredPoint*>& points) {
  if (points.empty()) return std::nullopt;
  std::vector<CopyPoint> copies;
  for (const MeasuredPoint* point : points) copies.push_back({size_of(*point), seconds_of(*point)});
  try {
    const LinkLawFit law = fit_link_law(copies, what);
    FamilyFit fit{.family = std::string(family),
                  .law = fmt::format("link, {}", what),
                  .regimes = {"below 1 MiB", "from 1 MiB"},
                  .gate = Gate{"from 1 MiB", "mape", 0.05, {}}};
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto size = static_cast<double>(copies[i].size.count());
      const double seconds_taken = seconds(law.latency) + size / law.bandwidth.count();
      fit.points.push_back(
          {points[i], seconds_taken / seconds_per(points[i]->unit), size < kLarge ? 0U : 1U, true});
    }
    keep_law(maker, std::move(fit), law.fit,
             {{"latency", Unit::time}, {"bandwidth", Unit::bandwidth}});
    return law;
  } catch (const config::ConfigError& error) {
    maker.notes.emplace_back(error.what());
    return std::nullopt;
  }
}

/// Where the law takes it for nothing, its bound is no measurement.
void keep_latency(PartMaker& maker, GpuSpec& gpu, const LinkLawFit& law) {
  if (seconds(law.latency) >= kShortest) {
    gpu.host_link.latency = kept(law.latency);
    gpu.sources["host_link.latency"] = gpu.sources["host_link.h2d"];
    return;
  }
  gpu.host_link.latency = {};
  gpu.sources["host_link.latency"] = maker.assumed("0, as copies show none beside their sizes");
}

/// Copies of a GPU in one direction, from or to pinned memory.
std::vector<const MeasuredPoint*> transfers(const PartMaker& maker, std::string_view direction) {
  return chosen(maker, "transfer", [&](const MeasuredPoint&, const Shape& shape) {
    const std::string memory = shape.text("memory");
    return shape.text("direction") == direction && (memory.empty() || memory == "pinned");
  });
}

void gpu_link(PartMaker& maker, GpuSpec& gpu) {
  HostLinkSpec& link = gpu.host_link;
  if (const auto law = copy_law(maker, "transfer", "host to device", transfers(maker, "h2d"))) {
    link.h2d = kept(law->bandwidth);
    gpu.sources["host_link.h2d"] = source_of_last(maker, "copies from pinned memory");
    keep_latency(maker, gpu, *law);
  }
  if (const auto law = copy_law(maker, "transfer", "device to host", transfers(maker, "d2h"))) {
    link.d2h = kept(law->bandwidth);
    gpu.sources["host_link.d2h"] = source_of_last(maker, "copies to pinned memory");
  }
  const auto both = transfers(maker, "both");
  double rate = 0;  // of both directions together
  for (const MeasuredPoint* point : both) {
    rate = std::max(rate, 2 * static_cast<double>(size_of(*point).count()) / seconds_of(*point));
  }
  const double alone = link.h2d.count() + link.d2h.count();
  if (rate > 0 && alone > 0) {
    link.duplex = kept(std::min(1.0, rate / alone));
    gpu.sources["host_link.duplex"] = maker.measured("the best of both directions at once", both);
  }
}

/// Cold copies by as many threads as any.
std::vector<const MeasuredPoint*> copies_in_memory(const PartMaker& maker) {
  double threads = 0;
  for (const MeasuredPoint* point : points_of(maker.run, "host_memory")) {
    threads = std::max(threads, Shape(*point).number("threads").value_or(0));
  }
  const auto copy = [&](const MeasuredPoint& point, const Shape& shape) {
    return shape.text("op") == "copy" && point.cache != "hot" &&
           shape.number("threads").value_or(threads) == threads;
  };
  const auto of_host = chosen(maker, "host_memory", copy);
  return of_host.size() >= kFewestCopies ? of_host : chosen(maker, "memory", copy);
}

/// Of a processor the link is its own memory.
void memory_link(PartMaker& maker, GpuSpec& gpu) {
  HostLinkSpec& link = gpu.host_link;
  const auto copies = copies_in_memory(maker);
  link.bus = "memory of the host";
  if (const auto law =
          copy_law(maker, copies.empty() ? "" : copies.front()->family, "copies", copies)) {
    link.h2d = kept(law->bandwidth);
    gpu.sources["host_link"] = source_of_last(maker, "copies from memory to memory");
    gpu.sources["host_link.h2d"] = gpu.sources["host_link"];
    keep_latency(maker, gpu, *law);
  } else {
    link.h2d = kept(gpu.memory_bandwidth * 0.5);
    gpu.sources["host_link"] = maker.assumed("half of memory_bandwidth, as no copy was measured");
  }
  link.d2h = link.h2d;
  link.duplex = 0.5;
  gpu.sources["host_link.duplex"] =
      maker.assumed("both directions are the same copies by the same threads");
}

}  // namespace

void link_part(PartMaker& maker, GpuSpec& gpu) {
  const bool is_gpu = !maker.fact("gpu").empty();
  HostLinkSpec& link = gpu.host_link;
  if (is_gpu) {
    gpu_link(maker, gpu);
  } else {
    memory_link(maker, gpu);
  }
  if (link.h2d <= Bandwidth{} || link.d2h <= Bandwidth{}) {
    const Bandwidth pcie{25e9};
    if (link.h2d <= Bandwidth{}) link.h2d = link.d2h > Bandwidth{} ? link.d2h : pcie;
    if (link.d2h <= Bandwidth{}) link.d2h = link.h2d;
    gpu.sources["host_link"] = maker.assumed("PCIe 4.0 with 16 lanes where nothing was measured");
  }
  if (link.descriptors.small_bandwidth <= Bandwidth{}) {
    link.descriptors = {{}, link.h2d, Bytes{}, {}, link.h2d};
    gpu.sources["host_link.descriptors"] =
        maker.assumed("small copies as fast as large ones, none was measured");
  }
  if (is_gpu) {
    descriptors_of_link(maker, gpu);
  } else {
    descriptors_of_memory(maker, gpu);
  }
  assume_unmeasured(maker, gpu.sources, {"host_link"});
}

}  // namespace terrace::calibrate
