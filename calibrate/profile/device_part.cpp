#include "calibrate/profile/device_part.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "calibrate/profile/known_gpu.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kTiB = kMiB * kMiB;

/// The fastest stream of cold reads, and the points it is the best of.
struct BestStream {
  double rate = 0;  // bytes/s
  std::vector<const MeasuredPoint*> points;
};

BestStream best_stream(const PartMaker& maker) {
  BestStream best;
  for (const MeasuredPoint* point : points_of(maker.run, "memory")) {
    const Shape shape(*point);
    if (shape.text("op") != "read" || point->cache == "hot") continue;
    best.points.push_back(point);
    best.rate = std::max(best.rate, shape.needed("bytes") / seconds_of(*point));
  }
  return best;
}

const FamilyFit* family(const RooflineFit& fit, std::string_view name) {
  const auto found = std::find_if(fit.families.begin(), fit.families.end(),
                                  [&](const FamilyFit& one) { return one.family == name; });
  return found != fit.families.end() ? &*found : nullptr;
}

/// Four digits, which is more than a fit knows.
double rounded(double part) { return std::round(part * 1e4) / 1e4; }

/// Peaks and the parts of them that kernels reach. A law above the best that was seen is the peak.
class Efficiencies {
 public:
  Efficiencies(PartMaker& maker, GpuSpec& gpu, const RooflineFit& fit)
      : maker_(maker), gpu_(gpu), fit_(fit) {}

  void fill() {
    peaks();
    fp8_peak();
    const FamilyFit* products = family(fit_, "gemm");
    const FamilyFit* attention = family(fit_, "decode_attention");
    if (attention == nullptr) attention = family(fit_, "prefill_attention");
    if (attention == nullptr) attention = family(fit_, "mla_decode");
    EfficiencySpec& part = gpu_.efficiency;
    part.gemm_compute = share("gemm_compute", fit_.products.rate, gpu_.bf16.count(), products, 1);
    part.gemm_memory =
        share("gemm_memory", fit_.products.bandwidth, gpu_.memory_bandwidth.count(), products, 1);
    part.attention_compute = share("attention_compute", fit_.attention.rate, gpu_.bf16.count(),
                                   attention, part.gemm_compute);
    part.attention_memory = share("attention_memory", fit_.attention.bandwidth,
                                  gpu_.memory_bandwidth.count(), attention, part.gemm_memory);
    launch(products != nullptr ? products : attention);
    errors();
    assume_unmeasured(maker_, gpu_.sources,
                      {"fp8", "fp4", "nvlink", "nvlink_gpus", "allreduce_latency", "efficiency",
                       "power", "idle_power"});
  }

 private:
  static double value(const std::optional<FittedParameter>& found) {
    return found ? found->value : 0;
  }

  void peaks() {
    const BestStream stream = best_stream(maker_);
    const double bandwidth =
        std::max({stream.rate, value(fit_.products.bandwidth), value(fit_.attention.bandwidth)});
    const double rate =
        std::max({fit_.best_product_rate, value(fit_.products.rate), value(fit_.attention.rate)});
    gpu_.memory_bandwidth = kept(Bandwidth{bandwidth});
    gpu_.bf16 = kept(FlopRate{rate});
    if (gpu_.memory_bandwidth <= Bandwidth{} || gpu_.bf16 <= FlopRate{}) {
      throw config::ConfigError(fmt::format("that needs the family '{}', too",
                                            gpu_.bf16 <= FlopRate{} ? "gemm" : "memory"));
    }
    gpu_.sources["memory_bandwidth"] = maker_.measured(
        stream.rate == bandwidth
            ? fmt::format("the best of {} cold reads in order", stream.points.size())
        : stream.points.empty() ? "what kernels reach by their law, no stream was measured"
                                : "what kernels reach by their law, more than reads in order did",
        stream.points);
    gpu_.sources["bf16"] = maker_.measured(
        fit_.best_product_rate == rate ? "the best product" : "what kernels reach by their law",
        products_of("bf16"));
  }

  /// The best product: fp8 has no roofline of its own.
  void fp8_peak() {
    const std::vector<const MeasuredPoint*> points = products_of("fp8");
    if (points.empty()) return;
    double best = 0;
    for (const MeasuredPoint* point : points) {
      const Shape shape(*point);
      const double flops = 2 * shape.needed("m") * shape.needed("n") * shape.needed("k");
      best = std::max(best, flops / seconds_of(*point));
    }
    gpu_.fp8 = kept(FlopRate{best});
    gpu_.sources["fp8"] = maker_.measured("the best product of fp8", points);
  }

  [[nodiscard]] std::vector<const MeasuredPoint*> products_of(std::string_view dtype) const {
    std::vector<const MeasuredPoint*> points = points_of(maker_.run, "gemm");
    std::erase_if(points, [&](const MeasuredPoint* p) { return Shape(*p).text("dtype") != dtype; });
    return points;
  }

  double share(const std::string& key, const std::optional<FittedParameter>& found, double peak,
               const FamilyFit* fit, double otherwise) {
    std::string& source = gpu_.sources["efficiency." + key];
    if (!found) {
      source = maker_.assumed(fit == nullptr ? "as of products, none was measured"
                                             : "as of products, no point is bound by it");
      return otherwise;
    }
    source = maker_.fitted(fmt::format("a roofline, {} as the others", fit->family), *fit);
    return std::clamp(rounded(found->value / peak), 0.0001, 1.0);
  }

  void launch(const FamilyFit* fit) {
    std::string& source = gpu_.sources["efficiency.kernel_launch"];
    const bool is_gpu = !maker_.fact("gpu").empty();
    const auto launches =
        is_gpu ? points_of(maker_.run, "launch") : std::vector<const MeasuredPoint*>();
    if (fit_.launch)
      gpu_.efficiency.kernel_launch = kept(duration_from_seconds(fit_.launch->value));
    if (fit_.launch && !launches.empty()) {
      source = maker_.measured("next to nothing, started again and again", launches);
    } else if (fit_.launch && fit != nullptr) {
      source = maker_.fitted("the constant term of all kernels' roofline", *fit);
    } else {
      source = maker_.assumed("nothing, too few kernels were measured");
    }
  }

  /// So that error bars are those of this machine.
  void errors() {
    EfficiencySpec& part = gpu_.efficiency;
    const auto mean = [&](std::string_view name) -> std::optional<double> {
      const FamilyFit* fit = family(fit_, name);
      if (fit == nullptr || fit->errors.empty()) return std::nullopt;
      return rounded(fit->errors.front().mape);
    };
    part.product_error = mean("gemm");
    part.decode_error = mean("decode_attention");
    part.prefill_error = mean("prefill_attention");
    for (const auto& [key, name, error] :
         {std::tuple("product_error", "gemm", part.product_error),
          std::tuple("decode_error", "decode_attention", part.decode_error),
          std::tuple("prefill_error", "prefill_attention", part.prefill_error)}) {
      if (error) {
        gpu_.sources[fmt::format("efficiency.{}", key)] =
            maker_.fitted("mean of the law's errors", *family(fit_, name));
      }
    }
  }

  PartMaker& maker_;
  GpuSpec& gpu_;
  const RooflineFit& fit_;
};

/// What the machine says of itself.
void describe_device(PartMaker& maker, GpuSpec& gpu) {
  const bool is_gpu = !maker.fact("gpu").empty();
  gpu.name = is_gpu ? maker.fact("gpu") : maker.fact("device");
  if (gpu.name.empty()) gpu.name = maker.fact("cpu").empty() ? "processor" : maker.fact("cpu");
  gpu.architecture = is_gpu ? fmt::format("sm_{}", maker.fact("sm")) : maker.fact("machine");
  gpu.sms = std::llround(is_gpu ? maker.number("sms")
                                : maker.run.tool.value("threads", maker.number("cores")));
  gpu.memory = Bytes{std::llround(maker.number(is_gpu ? "mem_mib" : "memory_mib") * kMiB)};
  gpu.sources["memory"] =
      maker.measured(is_gpu ? "what the driver shows" : "all DRAM, also what others use", {});
  if (gpu.memory <= Bytes{}) {
    gpu.memory = Bytes{std::llround(kTiB)};
    gpu.sources["memory"] = maker.assumed("no limit, the run does not say what there is");
  }
  gpu.l2 = Bytes{std::llround(is_gpu ? maker.number("l2_bytes") : maker.extent("cache_bytes"))};
  for (const char* key : {"sms", "l2"}) {
    gpu.sources[key] = maker.measured("what the machine says of itself", {});
  }
}

}  // namespace

GpuSpec device_part(PartMaker& maker) {
  if (auto known = known_gpu(maker)) return *std::move(known);
  GpuSpec gpu;
  describe_device(maker, gpu);
  const RooflineFit fit = fit_roofline(maker.run);
  // Laws are there even if they make no device.
  maker.families.insert(maker.families.end(), fit.families.begin(), fit.families.end());
  Efficiencies(maker, gpu, fit).fill();
  return gpu;
}

}  // namespace terrace::calibrate
