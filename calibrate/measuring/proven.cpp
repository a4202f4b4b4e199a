#include "calibrate/measuring/proven.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace terrace::calibrate {
namespace {

using Families = std::set<std::string>;

const KernelFinding* wrong_before(const Progressed& so_far, std::string_view kernel) {
  const auto found =
      std::find_if(so_far.findings.begin(), so_far.findings.end(),
                   [&](const KernelFinding& one) { return one.kernel == kernel && !one.ok(); });
  return found != so_far.findings.end() ? &*found : nullptr;
}

/// Adds what was found wrong before and has not been looked at again.
void keep_wrong(const std::vector<KernelFinding>& before, std::vector<KernelFinding>& findings) {
  for (const KernelFinding& one : before) {
    const bool there = std::any_of(findings.begin(), findings.end(),
                                   [&](const KernelFinding& f) { return f.kernel == one.kernel; });
    if (!one.ok() && !there) findings.insert(findings.begin(), one);
  }
}

/// Nothing if there is no such kernel.
std::optional<KernelFinding> found(const TimedKernel& kernel, const Families& families,
                                   const Bench& bench) {
  try {
    KernelFinding finding = prove(kernel, bench.kernels, bench.transfers);
    finding.families.assign(families.begin(), families.end());
    return finding;
  } catch (const kernels::Unsupported&) {
    return std::nullopt;
  }
}

}  // namespace

bool prove_kernels(const std::vector<Planned>& plan, const Bench& bench, const RunWorld& world,
                   Progressed& so_far) {
  std::map<TimedKernel, Families> all;
  for (const Planned& planned : plan) {
    for (const TimedKernel& kernel : planned.measurement.kernels) {
      all[kernel].emplace(planned.family->name);
    }
  }
  std::vector<KernelFinding> findings;
  for (const auto& [kernel, families] : all) {
    const std::string name = name_of(kernel);
    if (world.stop()) return false;
    world.progress({so_far.points.size(), plan.size(), 0, "proving " + name});
    if (const KernelFinding* earlier = wrong_before(so_far, name)) {
      findings.push_back(*earlier);
    } else if (auto now = found(kernel, families, bench)) {
      findings.push_back(*std::move(now));
    }
    if (!findings.empty() && findings.back().lost) {
      keep_wrong(so_far.findings, findings);
      so_far.findings = std::move(findings);
      throw kernels::DeviceLost(name + ": " + so_far.findings.back().failure);
    }
  }
  so_far.findings = std::move(findings);
  const auto wrong = condemned(so_far.findings);
  std::erase_if(so_far.points, [&](const MeasuredPoint& p) { return wrong.contains(p.family); });
  return true;
}

std::map<std::string, std::string, std::less<>> condemned(
    const std::vector<KernelFinding>& findings) {
  std::map<std::string, std::string, std::less<>> all;
  for (const KernelFinding& finding : findings) {
    if (finding.ok()) continue;
    for (const std::string& family : finding.families) {
      std::string& why = all[family];
      why += fmt::format("{}{} is wrong on this device: {}", why.empty() ? "" : "; ",
                         finding.kernel, finding.what());
    }
  }
  return all;
}

std::vector<MeasuredPoint> points_of(const std::vector<Planned>& plan, const Progressed& so_far) {
  const auto wrong = condemned(so_far.findings);
  std::map<std::string_view, const MeasuredPoint*> by_id;
  for (const MeasuredPoint& point : so_far.points) by_id.emplace(point.id, &point);
  std::vector<MeasuredPoint> points;
  points.reserve(plan.size());
  for (const Planned& planned : plan) {
    const Measurement& m = planned.measurement;
    const auto why = wrong.find(planned.family->name);
    if (why == wrong.end()) {
      points.push_back(*by_id.at(m.id));
      continue;
    }
    MeasuredPoint& point = points.emplace_back();
    point.id = m.id;
    point.family = planned.family->name;
    point.x = m.x;
    point.cache = m.cache;
    point.unit = m.unit;
    point.error = why->second;
  }
  return points;
}

}  // namespace terrace::calibrate
