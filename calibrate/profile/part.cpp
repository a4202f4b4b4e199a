#include "calibrate/profile/part.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSome = 0.1;  // of the points: unstable ones that make a number less sure
constexpr double kMany = 0.5;
constexpr std::string_view kCached = ", cold points may be of a cache";

std::string_view confidence(std::size_t doubtful, std::size_t points) {
  const double share = static_cast<double>(doubtful) / static_cast<double>(points);
  return share > kMany ? "low" : share > kSome ? "medium" : "high";
}

bool doubtful(const MeasuredPoint* point) { return !point->sample.stable || point->drifted; }

double number_at(const Json& object, std::string_view key) {
  const auto found = object.find(std::string(key));
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

}  // namespace

/// Pools so small that much of them stays in the last cache.
bool PartMaker::may_be_cached(const std::vector<const MeasuredPoint*>& points) const {
  return std::any_of(points.begin(), points.end(), [&](const MeasuredPoint* point) {
    const bool of_host = point->family == "host_memory";
    const double cache = extent(of_host ? "host_cache_bytes" : "cache_bytes");
    const double pool =
        std::max(extent(of_host ? "host_pool_bytes" : "cold_bytes"), number_at(point->x, "bytes"));
    const bool known = extent("cold_bytes") > 0 && cache > 0;
    return known && point->cache == "cold" && pool < 2 * cache;
  });
}

std::string PartMaker::date() const {
  const std::string day = run.created.substr(0, 10);
  return is_date(day) ? day : std::string();
}

std::string PartMaker::measured(const std::string& where,
                                const std::vector<const MeasuredPoint*>& points) const {
  const auto bad = static_cast<std::size_t>(std::count_if(points.begin(), points.end(), doubtful));
  const bool cached = may_be_cached(points);
  const std::string_view sure =
      trusted && !cached ? confidence(bad, std::max<std::size_t>(points.size(), 1)) : "low";
  return fmt::format(
      "measured: {}{}{}, {}, {}", where, cached ? kCached : "",
      bad > 0 ? fmt::format(", {} of {} points unstable or drifted", bad, points.size()) : "",
      date(), sure);
}

std::string PartMaker::fitted(const std::string& where, const FamilyFit& fit) const {
  std::size_t bad = 0;
  std::vector<const MeasuredPoint*> points;
  for (const FittedPoint& one : fit.points) {
    bad += doubtful(one.point) ? 1U : 0U;
    points.push_back(one.point);
  }
  const bool cached = may_be_cached(points);
  const bool misses = fit.gate && fit.gate->value && !fit.gate->met();
  const bool believed = trusted && !misses && !cached;
  return fmt::format(
      "fitted: {}, {}{}{}, {}, {}", where, error_text(fit), cached ? kCached : "",
      bad > 0 ? fmt::format(", {} of {} points unstable or drifted", bad, fit.points.size()) : "",
      date(), believed ? confidence(bad, std::max<std::size_t>(fit.points.size(), 1)) : "low");
}

std::string PartMaker::assumed(const std::string& where) const {
  return fmt::format("assumed: {}, {}, low", where, date());
}

std::string PartMaker::fact(std::string_view key) const {
  const auto found = run.host.find(std::string(key));
  if (found == run.host.end()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

double PartMaker::number(std::string_view key) const { return number_at(run.host, key); }

double PartMaker::extent(std::string_view key) const {
  const auto found = run.tool.find("extent");
  return found == run.tool.end() ? 0 : number_at(*found, key);
}

Bandwidth kept(Bandwidth rate) { return Bandwidth{as_kept(forms::Unit::bandwidth, rate.count())}; }
FlopRate kept(FlopRate rate) { return FlopRate{as_kept(forms::Unit::flop_rate, rate.count())}; }
Duration kept(Duration time) {
  return duration_from_seconds(as_kept(forms::Unit::time, seconds(time)));
}
double kept(double number) { return as_kept(forms::Unit::none, number); }

void assume_unmeasured(const PartMaker& maker, Sources& sources,
                       std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    sources.try_emplace(field, maker.assumed("as it stands, nothing tells it"));
  }
}

std::string error_text(const FamilyFit& fit) {
  if (fit.errors.empty()) return "no point";
  const RegimeError& all = fit.errors.front();
  return fmt::format("{} points, mean error {:.1f} %, 90 % of them within {:.1f} %", all.points,
                     100 * all.mape, 100 * all.p90);
}

}  // namespace terrace::calibrate
