#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/base/portable_math.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/scalar.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"
#include "sim/cost/kernel_tables.hpp"
#include "sim/cost/measured_points.hpp"

namespace terrace {
namespace {

constexpr std::string_view kTime = "latency_us";
constexpr std::string_view kAllReduceFile = "allreduce.csv";
constexpr std::string_view kNcclFile = "nccl.csv";
constexpr std::int64_t kWeightCopies = 6;  // that the published benchmark of products uses in turn

// Fits know no nvfp4, but tables have it.
constexpr std::array<std::string_view, 6> kTypes = {"bf16", "fp16", "fp8", "int8", "int4", "nvfp4"};

using Counts = decltype(MeasuredPoint::counts);

/// How a file of measurements becomes a ResidualTable. Spreads were chosen by leave-one-out errors
/// on the tables of H100 and L40S, that of products on A100's as well, and serve every GPU.
struct Family {
  std::string_view form;
  std::string_view file;
  std::string_view dtype;  // the column
  bool has_kernel = false;
  std::span<const std::string_view> counts;
  std::optional<std::size_t> head_dim;  // which of them
  ResidualTable::Spread spread;
  double (*seconds)(std::span<const double> parameters, const forms::Chip& chip, DType dtype,
                    const Counts& counts) = nullptr;
  ResidualTable::Point (*place)(const Counts& counts) = nullptr;
};

double real(std::int64_t n) { return static_cast<double>(n); }

constexpr std::array<std::string_view, 5> kDecodeCounts = {"num_heads", "num_kv_heads", "head_dim",
                                                           "batch", "kv_len"};
constexpr std::array<std::string_view, 5> kPrefillCounts = {"num_heads", "num_kv_heads", "head_dim",
                                                            "batch", "seq_len"};
constexpr std::array<std::string_view, 3> kGemmCounts = {"n", "k", "m"};
constexpr std::array<std::string_view, 3> kMlaDecodeCounts = {"num_heads", "batch", "kv_len"};
constexpr std::array<std::string_view, 3> kMlaPrefillCounts = {"num_heads", "batch", "seq_len"};

ResidualTable::Point attention_place(const Counts& c) {
  return {KernelTables::head_shape(c[0], c[1]), {real(c[3] * c[1]), real(c[4])}, 0};
}
ResidualTable::Point mla_place(const Counts& c) {
  return {{real(c[0]), 1}, {real(c[1]), real(c[2])}, 0};
}

constexpr ResidualTable::Spread kAttentionSpread{{0.1, 0.1}, {0.2, 0.2}, 0.03};
constexpr ResidualTable::Spread kMlaSpread{{0.2, 0.2}, {0.2, 0.2}, 0.1};
constexpr ResidualTable::Spread kGemmSpread{{0.3, 0.1}, {0.6, 0.2}, 0.1};

const std::array kFamilies = {
    Family{forms::Decode::kName, "attention_decode.csv", "kv_dtype", true, kDecodeCounts, 2,
           kAttentionSpread,
           [](std::span<const double> p, const forms::Chip& chip, DType dtype, const Counts& c) {
             return forms::Decode::seconds(p, chip,
                                           {.batch = c[3],
                                            .kv_tokens = real(c[3] * c[4]),
                                            .heads = c[0],
                                            .kv_heads = c[1],
                                            .head_dim = c[2],
                                            .kv_bytes_per_element = bytes_per_element(dtype),
                                            .warm = true,
                                            .longest = real(c[4])});
           },
           attention_place},
    Family{forms::Prefill::kName, "attention_prefill.csv", "kv_dtype", true, kPrefillCounts, 2,
           kAttentionSpread,
           [](std::span<const double> p, const forms::Chip& chip, DType dtype, const Counts& c) {
             return forms::Prefill::seconds(
                 p, chip,
                 forms::Prefill::Case{.heads = c[0],
                                      .kv_heads = c[1],
                                      .head_dim = c[2],
                                      .kv_bytes_per_element = bytes_per_element(dtype),
                                      .batch = c[3],
                                      .fresh = real(c[4])});
           },
           attention_place},
    Family{forms::Gemm::kName,
           "gemm.csv",
           "dtype",
           false,
           kGemmCounts,
           {},
           kGemmSpread,
           [](std::span<const double> p, const forms::Chip& chip, DType dtype, const Counts& c) {
             return forms::Gemm::seconds(
                 p, chip,
                 {.m = c[2], .n = c[0], .k = c[1], .weights = dtype, .rotation = kWeightCopies});
           },
           [](const Counts& c) -> ResidualTable::Point {
             return {{real(c[0]), real(c[1])}, {real(c[2]), 1}, 0};
           }},
    Family{forms::MlaDecode::kName,
           "mla_decode.csv",
           "kv_dtype",
           false,
           kMlaDecodeCounts,
           {},
           kMlaSpread,
           [](std::span<const double> p, const forms::Chip& chip, DType dtype, const Counts& c) {
             return forms::MlaDecode::seconds(p, chip,
                                              {.heads = c[0],
                                               .kv_bytes_per_element = bytes_per_element(dtype),
                                               .batch = c[1],
                                               .kv_len = real(c[2]),
                                               .warm = true});
           },
           mla_place},
    Family{forms::MlaPrefill::kName,
           "mla_prefill.csv",
           "kv_dtype",
           false,
           kMlaPrefillCounts,
           {},
           kMlaSpread,
           [](std::span<const double> p, const forms::Chip& chip, DType dtype, const Counts& c) {
             return forms::MlaPrefill::seconds(
                 p, chip,
                 forms::MlaPrefill::Case{.heads = c[0],
                                         .kv_bytes_per_element = bytes_per_element(dtype),
                                         .batch = c[1],
                                         .fresh = real(c[2])});
           },
           mla_place}};

std::vector<MeasuredPoint> rows_of(const std::filesystem::path& file, const Family& family) {
  const std::array<TextColumn, 2> texts = {TextColumn{family.dtype, kTypes}, {"kernel"}};
  return read_measured_points(
      file, {std::span(texts).first(family.has_kernel ? 2 : 1), family.counts, kTime, 1});
}

/// The rows of a fit, of the kernel that most are of.
std::vector<const MeasuredPoint*> rows_for(const KernelFit& fit, const Family& family,
                                           std::span<const MeasuredPoint> all) {
  std::vector<const MeasuredPoint*> rows;
  std::map<std::string_view, std::size_t> of_kernel;
  for (const MeasuredPoint& row : all) {
    if (row.texts[0] != config::Scalar<DType>::format(fit.dtype)) continue;
    if (family.head_dim && fit.head_dim && row.counts[*family.head_dim] != *fit.head_dim) continue;
    rows.push_back(&row);
    ++of_kernel[row.texts[1]];
  }
  if (of_kernel.size() > 1) {
    const auto most =
        std::max_element(of_kernel.begin(), of_kernel.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    std::erase_if(rows, [&](const MeasuredPoint* row) { return row->texts[1] != most->first; });
  }
  return rows;
}

/// Refuses times that are those of another GPU: half of them this far from its laws. The worst fit
/// that is shipped has a median error of 0.12.
void check_alike(std::span<const ResidualTable::Point> points, const KernelProfile& profile,
                 const std::filesystem::path& file, const KernelFit& fit) {
  constexpr std::size_t kFew = 20;
  constexpr double kFactor = 1.5;
  if (points.size() < kFew) return;
  std::vector<double> off;
  for (const ResidualTable::Point& point : points) off.push_back(point.residual);
  std::sort(off.begin(), off.end());
  const double middle = portable::exp(off[off.size() / 2]);
  if (middle < kFactor && middle > 1 / kFactor) return;
  throw config::ConfigError(fmt::format(
      "{}: error: half of the {} {} times are beyond {:.2f} times those of the kernel "
      "profile of {}: are they of another GPU?\n",
      file.string(), fit.form.text, config::Scalar<DType>::format(fit.dtype), middle, profile.gpu));
}

KernelTables::Table table_of(const KernelFit& fit, const Family& family, const forms::Chip& chip,
                             std::span<const MeasuredPoint* const> rows) {
  const std::vector<double> parameters = fit.best();
  std::vector<std::pair<ResidualTable::Point, Duration>> points;
  for (const MeasuredPoint* row : rows) {
    ResidualTable::Point point = family.place(row->counts);
    point.residual =
        portable::ln(seconds(row->time) / family.seconds(parameters, chip, fit.dtype, row->counts));
    points.emplace_back(point, row->time);
  }
  std::sort(points.begin(), points.end());
  std::vector<ResidualTable::Point> residuals;
  std::vector<Duration> measured;
  for (const auto& [point, time] : points) {
    residuals.push_back(point);
    measured.push_back(time);
  }
  return {family.form, fit.dtype, fit.head_dim, ResidualTable(std::move(residuals), family.spread),
          std::move(measured)};
}

using Points = std::map<std::pair<Collective, std::int64_t>, std::vector<CollectiveTable::Point>>;

void read_nccl(const std::filesystem::path& file, Points& points) {
  static constexpr std::array<std::string_view, 4> kOps = {"all_reduce", "all_gather",
                                                           "reduce_scatter", "alltoall"};
  static constexpr std::array<Collective, 3> kAsked = {
      Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter};
  static constexpr std::array<std::string_view, 2> kElements = {"half", "int8"};
  static constexpr std::array<TextColumn, 2> kTexts = {TextColumn{"op", kOps},
                                                       {"dtype", kElements}};
  static constexpr std::array<std::string_view, 3> kCounts = {"num_gpus", "elements", "bytes"};
  for (const MeasuredPoint& row : read_measured_points(file, {kTexts, kCounts, kTime, 1})) {
    const auto op =
        static_cast<std::size_t>(std::find(kOps.begin(), kOps.end(), row.texts[0]) - kOps.begin());
    if (op >= kAsked.size() || row.texts[1] != "half") continue;
    // nccl-tests give the larger buffer; what is left on a GPU of a reduce-scatter is a part.
    const bool part = kAsked[op] == Collective::reduce_scatter;
    const Bytes bytes{part ? std::max<std::int64_t>(1, row.counts[2] / row.counts[0])
                           : row.counts[2]};
    points[{kAsked[op], row.counts[0]}].push_back({bytes, row.time});
  }
}

void read_all_reduce(const std::filesystem::path& file, Points& points) {
  static constexpr std::array<std::string_view, 2> kModes = {"graph", "eager"};
  static constexpr std::array<TextColumn, 1> kTexts = {TextColumn{"mode", kModes}};
  static constexpr std::array<std::string_view, 3> kCounts = {"num_gpus", "elements", "bytes"};
  Points own;
  for (const MeasuredPoint& row : read_measured_points(file, {kTexts, kCounts, kTime, 1})) {
    if (row.texts[0] != "graph") continue;
    own[{Collective::all_reduce, row.counts[0]}].push_back({Bytes{row.counts[2]}, row.time});
  }
  for (auto& [key, of_one] : own) points[key] = std::move(of_one);
}

}  // namespace

std::vector<std::filesystem::path> KernelTables::files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> all;
  for (const Family& family : kFamilies) all.push_back(directory / family.file);
  all.push_back(directory / kNcclFile);
  all.push_back(directory / kAllReduceFile);
  return all;
}

KernelTables KernelTables::read(const std::filesystem::path& directory,
                                const KernelProfile& profile, const forms::Chip& chip) {
  KernelTables all;
  std::size_t files = 0;
  std::vector<std::string_view> names;
  const auto there = [&](std::string_view name) {
    names.push_back(name);
    const bool exists = std::filesystem::exists(directory / name);
    files += exists ? 1 : 0;
    return exists;
  };
  for (const Family& family : kFamilies) {
    if (!there(family.file)) continue;
    const std::vector<MeasuredPoint> rows = rows_of(directory / family.file, family);
    for (const KernelFit& fit : profile.fits) {
      if (fit.form.text != family.form) continue;
      const auto of_fit = rows_for(fit, family, rows);
      if (of_fit.empty()) continue;
      all.tables_.push_back(table_of(fit, family, chip, of_fit));
      check_alike(all.tables_.back().residuals.points(), profile, directory / family.file, fit);
    }
  }
  Points points;
  if (there(kNcclFile)) read_nccl(directory / kNcclFile, points);
  if (there(kAllReduceFile)) read_all_reduce(directory / kAllReduceFile, points);
  for (auto& [key, of_one] : points) all.collectives_.emplace(key, std::move(of_one));
  if (files == 0) {
    throw config::ConfigError(fmt::format("{}: error: no kernel tables there; they are called {}\n",
                                          directory.string(), fmt::join(names, ", ")));
  }
  return all;
}

}  // namespace terrace
