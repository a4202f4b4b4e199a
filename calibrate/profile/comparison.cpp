#include "calibrate/profile/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "sim/base/quantile.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

RegimeRatio ratio_of(const std::vector<PointPair>& pairs, const std::string& family,
                     const std::string& regime) {
  RegimeRatio ratio{.family = family, .regime = regime};
  std::vector<double> values;
  for (const PointPair& pair : pairs) {
    if (pair.family != family || (regime != "all" && pair.regime != regime)) continue;
    values.push_back(pair.slower);
    ratio.interpolated += pair.interpolated ? 1 : 0;
  }
  ratio.pairs = static_cast<std::int64_t>(values.size());
  ratio.median = nearest_quantile(values, 0.5);
  ratio.p10 = nearest_quantile(values, 0.1);
  ratio.p90 = nearest_quantile(values, 0.9);
  return ratio;
}

void add_once(std::vector<std::string>& all, const std::string& one) {
  if (!one.empty() && std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

std::vector<FactDifference> differences(const Json& a, const Json& b) {
  const auto text = [](const Json& facts, const std::string& key) {
    const auto found = facts.find(key);
    if (found == facts.end()) return std::string();
    return found->is_string() ? found->get<std::string>() : found->dump();
  };
  std::vector<std::string> keys;
  for (const Json* facts : {&a, &b}) {
    for (const auto& [key, value] : facts->items()) add_once(keys, key);
  }
  std::vector<FactDifference> all;
  for (const std::string& key : keys) {
    FactDifference one{key, text(a, key), text(b, key)};
    if (one.a != one.b) all.push_back(std::move(one));
  }
  return all;
}

std::vector<ParameterGap> gaps_of(const MachineProfile& a, const MachineProfile& b) {
  std::map<std::string, const LawParameter*> there;
  const auto key = [](const FamilyFit& fit, const LawParameter& one) {
    return fmt::format("{}: {}: {}", fit.family, fit.law, one.name);
  };
  for (const FamilyFit& fit : b.families) {
    for (const LawParameter& one : fit.parameters) there[key(fit, one)] = &one;
  }
  std::vector<ParameterGap> gaps;
  for (const FamilyFit& fit : a.families) {
    for (const LawParameter& one : fit.parameters) {
      const auto other = there.find(key(fit, one));
      if (other == there.end()) continue;
      const FittedParameter& x = one.found;
      const FittedParameter& y = other->second->found;
      if (x.high >= y.low && y.high >= x.low) continue;
      gaps.push_back({fmt::format("{}: {}", fit.family, fit.law), one, *other->second});
    }
  }
  return gaps;
}

bool has_value(const MeasuredPoint& point) {
  return point.error.empty() && point.sample.median > 0 && std::isfinite(point.sample.median);
}

}  // namespace

std::string regime_of(const MachineProfile& profile, const MeasuredPoint& point) {
  for (const FamilyFit& fit : profile.families) {
    if (fit.family != point.family) continue;
    for (const FittedPoint& one : fit.points) {
      if (one.point->id != point.id) continue;
      if (!one.fitted) return "hot";
      return one.regime < fit.regimes.size() ? std::string(fit.regimes[one.regime]) : "";
    }
  }
  return point.cache;
}

std::vector<RegimeRatio> ratios_of(const std::vector<PointPair>& pairs) {
  std::vector<std::string> families;
  for (const PointPair& pair : pairs) add_once(families, pair.family);
  std::vector<RegimeRatio> all;
  for (const std::string& family : families) {
    std::vector<std::string> regimes;
    for (const PointPair& pair : pairs) {
      if (pair.family == family) add_once(regimes, pair.regime);
    }
    all.push_back(ratio_of(pairs, family, "all"));
    if (regimes.size() < 2) continue;
    for (const std::string& regime : regimes) all.push_back(ratio_of(pairs, family, regime));
  }
  return all;
}

Comparison compare(const ProfiledRun& a, const ProfiledRun& b) {
  std::map<std::string, const MeasuredPoint*, std::less<>> there;
  for (const MeasuredPoint& point : b.run.points) {
    if (has_value(point)) there[point.id] = &point;
  }
  Comparison all;
  for (const MeasuredPoint& point : a.run.points) {
    if (!has_value(point)) continue;
    const auto other = there.find(point.id);
    if (other == there.end() || other->second->unit != point.unit) {
      all.only_a.push_back(point.id);
      continue;
    }
    const double x = point.sample.median;
    const double y = other->second->sample.median;
    const bool is_rate = seconds_per(point.unit) == 0;  // more is faster
    all.pairs.push_back({point.id, point.family, regime_of(a.profile, point), point.unit, x, y,
                         is_rate ? x / y : y / x, false});
    there.erase(other);
  }
  for (const MeasuredPoint& point : b.run.points) {
    if (there.contains(point.id)) all.only_b.push_back(point.id);
  }
  all.ratios = ratios_of(all.pairs);
  all.environment = differences(a.run.host, b.run.host);
  all.gaps = gaps_of(a.profile, b.profile);
  return all;
}

}  // namespace terrace::calibrate
