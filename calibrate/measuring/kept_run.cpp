#include "calibrate/measuring/kept_run.hpp"

#include <cstddef>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "kernels/cpu/cpu_set.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

/// Whether the point is what was planned, whatever it measured.
bool is_of(const MeasuredPoint& point, const Planned& planned) {
  const Measurement& m = planned.measurement;
  return point.family == planned.family->name && point.x == m.x && point.cache == m.cache &&
         (point.unit == m.unit || !point.error.empty());
}

}  // namespace

Json json_of(const Extent& extent) {
  return {{"memory_bytes", extent.memory.count()},
          {"cache_bytes", extent.cache.count()},
          {"cold_bytes", cold_pool(extent).count()},
          {"host_cache_bytes", kernels::CpuSet(1).cache().count()},
          {"host_pool_bytes", host_pool(extent).count()},
          {"disk_bytes", extent.disk.count()},
          {"memory_gbs", extent.pace.memory.count() * 1e-9},
          {"gemm_tf", extent.pace.products.count() * 1e-12}};
}

bool restore(Extent& extent, const Json& json) {
  const auto is_number = [&](const char* key, double least) {
    constexpr double kMost = 1e15;
    return json.is_object() && json.contains(key) && json.at(key).is_number() &&
           json.at(key).get<double>() >= least && json.at(key).get<double>() <= kMost;
  };
  if (!is_number("memory_bytes", 1) || !is_number("cache_bytes", 0) ||
      !is_number("disk_bytes", 0) || !is_number("memory_gbs", 1e-3) ||
      !is_number("gemm_tf", 1e-6)) {
    return false;
  }
  extent.memory = Bytes{json.at("memory_bytes").get<std::int64_t>()};
  extent.cache = Bytes{json.at("cache_bytes").get<std::int64_t>()};
  extent.disk = Bytes{json.at("disk_bytes").get<std::int64_t>()};
  extent.pace.memory = Bandwidth{json.at("memory_gbs").get<double>() * 1e9};
  extent.pace.products = FlopRate{json.at("gemm_tf").get<double>() * 1e12};
  const Json same = json_of(extent);
  for (const auto& [key, value] : same.items()) {
    const bool is_rate = key == "memory_gbs" || key == "gemm_tf";  // not to the last bit
    if (!is_rate && (!json.contains(key) || json.at(key) != value)) return false;
  }
  return true;
}

void check_kept(const std::vector<MeasuredPoint>& points, const std::vector<int>& lines,
                const std::vector<Planned>& plan, const std::string& journal) {
  std::map<std::string_view, const Planned*> by_id;
  for (const Planned& planned : plan) by_id.emplace(planned.measurement.id, &planned);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const MeasuredPoint& point = points.at(i);
    const auto found = by_id.find(point.id);
    if (found != by_id.end() && is_of(point, *found->second)) continue;
    throw Journal::refused(fmt::format(
        "{}:{}: error: {}: {}", journal, lines[i], escape_controls(point.id),
        found == by_id.end() ? "this run has no such point" : "this run measures it otherwise"));
  }
}

}  // namespace terrace::calibrate
