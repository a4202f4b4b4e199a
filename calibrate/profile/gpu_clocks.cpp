#include "calibrate/profile/gpu_clocks.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "calibrate/vendor/nvml.hpp"

namespace terrace::calibrate {
namespace {

struct Range {
  double least = 0, most = 0;
};

std::optional<Range> range(const std::vector<SentinelReading>& sentinels, std::string_view name) {
  std::optional<Range> range;
  for (const SentinelReading& reading : sentinels) {
    for (const auto& [what, number] : reading.gpu) {
      if (what != name) continue;
      if (!range) range = Range{number, number};
      range->least = std::min(range->least, number);
      range->most = std::max(range->most, number);
    }
  }
  return range;
}

}  // namespace

std::string gpu_clocks_text(const std::vector<SentinelReading>& sentinels) {
  std::vector<std::string> parts;
  if (const auto mhz = range(sentinels, "sm_mhz")) {
    parts.push_back(fmt::format("{:.0f} to {:.0f} MHz", mhz->least, mhz->most));
  }
  if (const auto power = range(sentinels, "w")) {
    parts.push_back(fmt::format("up to {:.0f} W", power->most));
  }
  if (const auto heat = range(sentinels, "celsius")) {
    parts.push_back(fmt::format("up to {:.0f} degrees", heat->most));
  }
  const auto generation = range(sentinels, "pcie_gen");
  const auto width = range(sentinels, "pcie_width");
  if (generation && width) {
    parts.push_back(fmt::format("PCIe {:.0f}.0 x{:.0f}", generation->least, width->least));
  }
  if (range(sentinels, "slow_because")) {
    std::uint64_t reasons = 0;
    std::size_t slowed = 0;
    for (const SentinelReading& reading : sentinels) {
      const std::uint64_t here = slowing_reasons(reading.gpu);
      slowed += here != 0 ? 1U : 0U;
      reasons |= here;
    }
    parts.push_back(slowed == 0 ? "not slowed down"
                                : fmt::format("slowed down at {} of {} looks: {}", slowed,
                                              sentinels.size(), reasons_text(reasons)));
  }
  if (parts.empty()) return {};
  return fmt::format("GPU under load: {}", fmt::join(parts, ", "));
}

}  // namespace terrace::calibrate
