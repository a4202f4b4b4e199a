#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "calibrate/fitting/law_fit.hpp"
#include "sim/base/units.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// A single copy over a link.
struct CopyPoint {
  Bytes size{};
  double seconds = 0;
};

/// A copy takes latency + size / bandwidth. The fit's parameters are these two: s, bytes/s.
struct LinkLawFit {
  Duration latency{};
  Bandwidth bandwidth{};
  LawFit fit;
};

/// Of one direction and kind of memory, which `name` says. Regimes: "below 1 MiB", "from 1 MiB".
/// Throws ConfigError if there are fewer than three points.
LinkLawFit fit_link_law(std::span<const CopyPoint> points, std::string_view name);

/// Many small copies at once.
struct BlockPoint {
  Bytes size{};  // of one
  std::int64_t blocks = 1;
  double seconds = 0;  // for all
};

/// The fit's parameters: small_fixed, small_bandwidth, large_fixed, large_bandwidth. If one piece
/// is as good, both are it and the cut-off is 0.
struct DescriptorLawFit {
  DescriptorLaw law;
  LawFit fit;
};

/// Every size at which the large piece could begin is tried, with two sizes or more below it. Two
/// pieces are taken if Bayes's information criterion is better by 10, "very strong" evidence (Kass,
/// Raftery: Bayes factors, 1995): one of many cut-offs always fits the noise somewhat. Intervals
/// are those with that cut-off. Throws ConfigError if there are fewer points than parameters, and
/// one.
DescriptorLawFit fit_descriptor_law(std::span<const BlockPoint> points, std::string_view name);

/// Copies within the memory of the host.
struct MemcpyPoint {
  std::int64_t threads = 1;
  Bandwidth rate{};  // of bytes copied, all threads together
};

/// n threads copy min(n * per_thread, total). The fit's parameters are these two: bytes/s.
struct MemcpyLawFit {
  Bandwidth per_thread{};
  Bandwidth total{};
  LawFit fit;
};

/// Throws ConfigError if there are fewer than three points.
MemcpyLawFit fit_memcpy_law(std::span<const MemcpyPoint> points);

}  // namespace terrace::calibrate
