#include "calibrate/profile/kernel_part.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "calibrate/fitting/calibration.hpp"
#include "calibrate/fitting/dataset.hpp"
#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/scalar.hpp"
#include "sim/cost/forms/gemm.hpp"
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

/// What there has to be laws of. On a processor a roofline stands in for prompts' attention alone.
std::vector<std::string_view> needed_forms(bool processor) {
  if (processor) return {"cpu_gemm", "cpu_decode"};
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

/// Takes out points of numbers that no weights and no cache are of (tf32), and tells their types.
std::set<std::string> drop_unknown_types(PointTable& table, const Adapter& adapter) {
  std::set<std::string> dropped;
  if (!adapter.typed) return dropped;
  const std::size_t column = table.column("dtype");
  std::erase_if(table.points, [&](const Point& point) {
    const std::string& dtype = point.cells[column].text;
    if (config::Scalar<DType>::parse(dtype).value) return false;
    dropped.insert(dtype);
    return true;
  });
  return dropped;
}

/// What the points do not tell of the kernels that a model takes. Products of 8 bits that were
/// measured alone leave out that engines quantise tokens first: each is read for its maximum, read
/// again and written, at the bandwidth of memory at best.
std::map<std::string, double, std::less<>> untold(const PointTable& table, const Dataset& data,
                                                  const Adapter& adapter, const GpuSpec& gpu) {
  const std::size_t activations = table.column("activations");
  if (adapter.form != forms::Gemm::kName || bits(data.dtype) != 8) return {};
  if (activations == table.columns.size()) return {};
  const bool alone = std::all_of(data.points.begin(), data.points.end(), [&](const Point* point) {
    return !point->cells[activations].text.empty();
  });
  if (!alone) return {};
  std::map<std::string, double, std::less<>> held;
  for (const forms::Parameter& parameter : adapter.parameters) {
    if (parameter.name == "row") held.emplace(parameter.name, parameter.low);
    if (parameter.name == "quantise") {
      held.emplace(parameter.name,
                   std::clamp(gpu.memory_bandwidth.count(), parameter.low, parameter.high));
    }
  }
  return held;
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
      PointTable table = table_of(maker_.run, adapter.family);
      if (table.points.empty()) continue;
      if (adapter.typed && table.column("dtype") == table.columns.size()) {
        maker_.notes.push_back(
            fmt::format("no law of {}: its points name no dtype", adapter.family));
        continue;
      }
      for (const std::string& dtype : drop_unknown_types(table, adapter)) {
        maker_.notes.push_back(
            fmt::format("no law of {}, dtype={}: no weights and no cache are of "
                        "it; its points are in the run alone",
                        adapter.family, dtype));
      }
      if (table.points.empty()) continue;
      for (const std::string& part : parts_of(table, adapter)) fit(adapter, part);
    }
    for (const std::string_view needed : needed_forms(processor)) {
      const bool there = std::any_of(
          profile_.fits.begin(), profile_.fits.end(),
          [&](const KernelFit& one) { return one.form.text == needed && bits(one.dtype) == 16; });
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
      options.held = untold(table, data, adapter, gpu_);
      Calibration found = calibrate::calibrate(data, adapter, name, options);
      found.fit.engine = kEngine;
      found.fit.source = fmt::format("terrace calibrate, {}", maker_.date());
      if (!options.held.empty()) {
        maker_.notes.push_back(fmt::format(
            "{}: what quantises tokens before a product was not measured; assumed to take the "
            "bandwidth of memory",
            name));
      }
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
