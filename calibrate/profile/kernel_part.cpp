#include "calibrate/profile/kernel_part.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/calibration.hpp"
#include "calibrate/fitting/dataset.hpp"
#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/scalar.hpp"
#include "sim/model/dtype.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::string_view kEngine = "terrace kernels";
constexpr const char* kId = "id";  // a column besides, to find points again

Gate gate_of(std::string_view form) {
  if (form == "gemm" || form == "cpu_gemm") return {"all", "wape", 0.10, {}};
  if (form == "prefill") return {"from 100 us", "mape", 0.10, {}};
  if (form == "cpu_prefill") return {"new tokens >= 1024", "mape", 0.10, {}};
  if (form == "cpu_decode" || form == "cpu_mla_decode") return {"all", "mape", 0.08, {}};
  return {"KV > 1.3 L2", "mape", 0.08, {}};
}

/// What there has to be laws of.
std::array<std::string_view, 3> needed_forms(bool processor) {
  if (processor) return {"cpu_gemm", "cpu_decode", "cpu_prefill"};
  return {"gemm", "decode", "prefill"};
}

/// The family's points as a table, each with its id.
PointTable table_of(const MeasuredRun& run, std::string_view family) {
  MeasuredRun only;
  for (const MeasuredPoint* point : points_of(run, family)) {
    only.points.push_back(*point);
    only.points.back().x[kId] = point->id;
  }
  PointTable table;
  table.name = std::string(family);
  if (!only.points.empty()) read_json_points(table, points_text(only), family);
  return table;
}

/// What distinguishes fits of one form: every dtype, and every value of the adapter's own column.
std::set<std::string> parts_of(const PointTable& table, const Adapter& adapter) {
  std::set<std::string> all;
  for (const Point& point : table.points) {
    std::string conditions;
    if (adapter.typed) conditions = "dtype=" + point.cells[table.column("dtype")].text;
    if (!adapter.only.empty()) {
      conditions += fmt::format("{}{}={}", conditions.empty() ? "" : ",", adapter.only,
                                point.cells[table.column(adapter.only)].text);
    }
    all.insert(conditions);
  }
  return all;
}

class KernelMaker {
 public:
  KernelMaker(PartMaker& maker, const GpuSpec& gpu)
      : maker_(maker), gpu_(gpu), profile_{gpu.name, gpu.memory_bandwidth, gpu.bf16, {}} {
    for (const MeasuredPoint& point : maker.run.points) points_[point.id] = &point;
  }

  std::optional<KernelProfile> make() {
    const bool processor = maker_.fact("gpu").empty();
    for (const Adapter& adapter : adapters()) {
      if (adapter.of_processor != processor) continue;
      const PointTable table = table_of(maker_.run, adapter.family);
      if (table.points.empty()) continue;
      for (const std::string& part : parts_of(table, adapter)) fit(adapter, part);
    }
    for (const std::string_view needed : needed_forms(processor)) {
      const bool there = std::any_of(profile_.fits.begin(), profile_.fits.end(),
                                     [&](const KernelFit& one) { return one.form.text == needed; });
      if (there) continue;
      maker_.notes.push_back(fmt::format(
          "no laws of this run's kernels in the profile: there is none of '{}'", needed));
      return std::nullopt;
    }
    std::erase_if(maker_.families, [&](const FamilyFit& one) {
      return one.law == "roofline" && std::any_of(fits_.begin(), fits_.end(), [&](const auto& fit) {
               return fit.family == one.family;
             });
    });
    for (FamilyFit& one : fits_) maker_.families.push_back(std::move(one));
    return std::move(profile_);
  }

 private:
  void fit(const Adapter& adapter, const std::string& part) {
    const std::string name = fmt::format("{}, {}", adapter.family, part);
    try {
      PointTable table = table_of(maker_.run, adapter.family);
      keep_where(table, part);
      const Dataset data = prepare(table, adapter, chip_of(gpu_, gpu_.name));
      FitOptions options;
      options.most_bandwidth = gpu_.memory_bandwidth;
      Calibration found = calibrate::calibrate(data, adapter, name, options);
      found.fit.engine = kEngine;
      found.fit.source = fmt::format("terrace calibrate, {}", maker_.date());
      keep(adapter, part, table, data, found);
      profile_.fits.push_back(std::move(found.fit));
    } catch (const config::ConfigError& error) {
      maker_.notes.push_back(fmt::format("no law of {}: {}", name, error.what()));
    } catch (const app::UsageError& error) {
      maker_.notes.push_back(fmt::format("no law of {}: {}", name, error.what()));
    }
  }

  void keep(const Adapter& adapter, const std::string& part, const PointTable& table,
            const Dataset& data, const Calibration& found) {
    FamilyFit fit{.family = std::string(adapter.family),
                  .law = adapter.of_processor ? config::Scalar<DType>::format(data.dtype)
                                              : fmt::format("{}, {}", adapter.form, part),
                  .regimes = {adapter.regimes.begin(), adapter.regimes.end()},
                  .errors = found.fit.errors,
                  .gate = gate_of(adapter.form),
                  .notes = found.notes};
    for (std::size_t j = 0; j < adapter.parameters.size(); ++j) {
      if (!adapter.concerns(adapter.parameters[j].name, data.dtype)) continue;
      fit.parameters.push_back({std::string(adapter.parameters[j].name), adapter.parameters[j].unit,
                                found.fit.parameters[j]});
    }
    for (std::size_t i = 0; i < data.points.size(); ++i) {
      const MeasuredPoint* point = points_.at(data.points[i]->cells[table.column(kId)].text);
      fit.points.push_back(
          {point, found.predicted[i] / seconds_per(point->unit), data.regime[i], true});
    }
    for (const auto& [why, count] : data.left_out) {
      fit.notes.push_back(fmt::format("{} points left out: {}", count, why));
    }
    judge(fit);
    fits_.push_back(std::move(fit));
  }

  PartMaker& maker_;
  const GpuSpec& gpu_;
  KernelProfile profile_;
  std::vector<FamilyFit> fits_;
  std::map<std::string, const MeasuredPoint*, std::less<>> points_;
};

}  // namespace

std::optional<KernelProfile> kernel_part(PartMaker& maker, const GpuSpec& gpu) {
  return KernelMaker(maker, gpu).make();
}

}  // namespace terrace::calibrate
