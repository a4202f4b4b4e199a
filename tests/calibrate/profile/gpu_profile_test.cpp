// Points of a GPU whose kernels follow the laws of a shipped profile: they are found again.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/profile/machine_profile.hpp"
#include "sim/config/reader.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/prefill.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "tests/app/program.hpp"

namespace terrace::calibrate {
namespace {

const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});
constexpr forms::Chip kChip{132, 60.0 * 1024 * 1024};

/// An H200 as its shipped laws have it, on a grid of the size that a full run has.
class LawfulGpu {
 public:
  explicit LawfulGpu(const char* name) {
    run_.created = "2026-11-22T10:00:00Z";
    run_.host = {{"gpu", name}, {"sms", 132}, {"mem_mib", 143771}, {"memory_mib", 1 << 20}};
    products(DType::bf16);
    products(DType::fp8);
    products_of_tf32();
    decodes();
    prefills();
  }

  [[nodiscard]] const MeasuredRun& run() const { return run_; }

  /// A run that no catalogue knows the machine of: it takes what it reads memory at.
  [[nodiscard]] MeasuredRun run_of_a_stranger() const {
    MeasuredRun run = run_;
    run.host["l2_bytes"] = 60 << 20;
    MeasuredPoint stream;
    stream.id = "memory/read";
    stream.family = "memory";
    stream.x = {{"op", "read"}, {"bytes", 1e9}};
    stream.unit = "us";
    stream.sample = {.median = 1e9 / kMemory * 1e6, .n = 15};
    run.points.push_back(stream);
    return run;
  }

  std::vector<double> law(std::string_view form, DType dtype = DType::bf16) const {
    for (const KernelFit& fit : profile_.fits) {
      const bool same_size = !fit.head_dim || *fit.head_dim == 128;
      if (fit.form.text == form && fit.dtype == dtype && same_size) return fit.best();
    }
    return {};
  }

  static constexpr double kMemory = 4.8e12;

 private:
  using Json = nlohmann::ordered_json;

  void add(const char* family, Json x, const char* cache, double seconds) {
    MeasuredPoint point;
    point.id = fmt::format("{}/{}", family, run_.points.size());
    point.family = family;
    point.x = std::move(x);
    point.cache = cache;
    point.unit = "us";
    point.sample = {.median = 1e6 * seconds, .n = 15};
    run_.points.push_back(std::move(point));
  }

  void products(DType weights) {
    const std::vector<double> p = law("gemm", weights);
    const bool narrow = weights == DType::fp8;
    for (const auto& [n, k] :
         {std::pair{4096, 4096}, std::pair{6144, 4096}, std::pair{28672, 4096},
          std::pair{4096, 14336}, std::pair{8192, 8192}, std::pair{57344, 8192},
          std::pair{2112, 7168}, std::pair{32768, 512}}) {
      for (const int m : {1, 16, 64, 256, 1024, 4096, 16384}) {
        const forms::Gemm::Case x{
            .m = m, .n = n, .k = k, .weights = weights, .tokens_quantised = narrow};
        Json said = {{"m", m}, {"n", n}, {"k", k}, {"dtype", narrow ? "fp8" : "bf16"}};
        if (narrow) said["activations"] = "fp8";
        add("gemm", said, "cold", forms::Gemm::seconds(p, kChip, x));
      }
    }
  }

  /// At half the rate of bf16.
  void products_of_tf32() {
    for (const int m : {16, 256, 1024, 4096}) {
      add("gemm", {{"m", m}, {"n", 4096}, {"k", 4096}, {"dtype", "tf32"}}, "cold",
          5e-6 + 2.0 * m * 4096 * 4096 / 4e14);
    }
  }

  void decodes() {
    const std::vector<double> p = law("decode");
    for (const auto& [nh, nkv] : {std::pair{32, 32}, std::pair{32, 8}, std::pair{64, 8},
                                  std::pair{64, 4}, std::pair{32, 16}}) {
      for (const int b : {1, 8, 32, 128, 512}) {
        for (const int kv : {128, 1024, 4096, 16384, 65536}) {
          if (static_cast<double>(b) * kv * nkv * 512 > 40e9) continue;
          for (const bool warm : {false, true}) {
            const forms::Decode::Case x{.batch = b,
                                        .kv_tokens = static_cast<double>(b) * kv,
                                        .heads = nh,
                                        .kv_heads = nkv,
                                        .warm = warm,
                                        .longest = static_cast<double>(kv)};
            add("decode_attention",
                {{"b", b}, {"kv", kv}, {"nh", nh}, {"nkv", nkv}, {"hd", 128}, {"kv_dtype", "bf16"}},
                warm ? "hot" : "cold", forms::Decode::seconds(p, kChip, x));
          }
        }
      }
    }
  }

  void prefills() {
    const std::vector<double> p = law("prefill");
    for (const auto& [nh, nkv] : {std::pair{32, 8}, std::pair{64, 8}, std::pair{32, 32}}) {
      for (const int b : {1, 4}) {
        for (const int s : {16, 128, 512, 2048, 8192, 32768}) {
          for (const int prefix : {0, 4096}) {
            const forms::Prefill::Case x{.heads = nh,
                                         .kv_heads = nkv,
                                         .batch = b,
                                         .fresh = static_cast<double>(s),
                                         .prefix = static_cast<double>(prefix)};
            add("prefill_attention",
                {{"b", b},
                 {"s", s},
                 {"prefix", prefix},
                 {"nh", nh},
                 {"nkv", nkv},
                 {"hd", 128},
                 {"kv_dtype", "bf16"}},
                "cold", forms::Prefill::seconds(p, kChip, x));
          }
        }
      }
    }
  }

  KernelProfile profile_ =
      config::read_file<KernelProfile>(TERRACE_SOURCE_DIR "/hwprofiles/kernels/h200-sxm.yaml");
  MeasuredRun run_;
};

/// What the products of a layer of Llama 3.1 8B take by the GPU's own laws.
double layer_seconds(const LawfulGpu& gpu, DType weights, std::int64_t tokens) {
  std::vector<double> p = gpu.law("gemm", weights);
  if (weights == DType::fp8) {
    p[10] = forms::Gemm::kParameters[10].low;  // per row, and the rate of quantisation
    p[11] = LawfulGpu::kMemory;
  }
  double seconds = 0;
  for (const auto& [n, k] : {std::pair{6144, 4096}, std::pair{4096, 4096}, std::pair{28672, 4096},
                             std::pair{4096, 14336}}) {
    seconds += forms::Gemm::seconds(p, kChip, {.m = tokens, .n = n, .k = k, .weights = weights});
  }
  return seconds;
}

/// Runs a model with weights of both types on the machine: all but the products of its layers is
/// the same, and those are as the laws have it that the points were made by.
void expect_simulated(const MachineProfile& profile, const MeasuredRun& run, const LawfulGpu& gpu) {
  const testing::Workplace place;
  place.write("mine.yaml", machine_yaml(profile, run));
  place.write("one.yaml", R"(model: llama-3.1-8b
hardware: {gpu: h200-sxm, host: dual-xeon-ddr5-2tib}
workload:
  max_requests: 1
  clients:
    - name: one
      arrivals: {process: poisson, rate: 1 /s}
      prompt: {distribution: constant, value: 1024}
      output: {distribution: constant, value: 2}
)");
  const auto times = [&](const std::string& dtype) {
    const auto outcome =
        place.terrace("run one.yaml --hw mine --json --set model.weight_dtype=" + dtype);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    return std::pair{json.at("mean_ttft_ms").get<double>(), json.at("mean_tpot_ms").get<double>()};
  };
  const auto wide = times("bf16");
  const auto narrow = times("fp8");
  constexpr int kLayers = 32;
  const auto saved = [&](std::int64_t tokens) {
    return 1e3 * kLayers *
           (layer_seconds(gpu, DType::bf16, tokens) - layer_seconds(gpu, DType::fp8, tokens));
  };
  EXPECT_NEAR((wide.first - narrow.first) / saved(1024), 1, 0.04);
  EXPECT_NEAR((wide.second - narrow.second) / saved(1), 1, 0.04);
}

TEST(GpuProfileSlow, FindsTheLawsOfKernelsThatNobodyPublished) {
  const LawfulGpu gpu("NVIDIA H299");
  const MeasuredRun run = gpu.run_of_a_stranger();
  const MachineProfile profile = machine_profile(run, kCatalogue);
  EXPECT_EQ(profile.machine.gpu.name, "NVIDIA H299");
  ASSERT_TRUE(profile.machine.kernels) << fmt::format("{}", fmt::join(profile.notes, "\n"));
  EXPECT_TRUE(profile.machine.kernels->is_of(profile.machine.gpu));
  EXPECT_EQ(profile.machine.kernels->fits.size(), 4U);
  EXPECT_THAT(profile.notes, ::testing::Contains(::testing::HasSubstr("dtype=tf32: no weights")));
  EXPECT_THAT(profile.notes, ::testing::Contains(::testing::HasSubstr("what quantises tokens")));

  // Rates are those of the best products, which are not of each other's type.
  const auto best = [&](std::string_view dtype) {
    double rate = 0;
    for (const MeasuredPoint& point : run.points) {
      if (point.family != "gemm" || point.x.at("dtype") != dtype) continue;
      const double flops = 2 * point.x.at("m").get<double>() * point.x.at("n").get<double>() *
                           point.x.at("k").get<double>();
      rate = std::max(rate, flops / (1e-6 * point.sample.median));
    }
    return rate;
  };
  const GpuSpec& found = profile.machine.gpu;
  EXPECT_NEAR(found.fp8.count() / best("fp8"), 1, 1e-4);
  EXPECT_GE(found.bf16.count() / best("bf16"), 1 - 1e-4);
  EXPECT_LT(found.bf16.count() / best("bf16"), 1.2);
  EXPECT_THAT(found.sources.at("fp8"), ::testing::HasSubstr("the best product of fp8"));

  // What quantises tokens is no part of the points, and of the machine by assumption.
  for (const KernelFit& fit : profile.machine.kernels->fits) {
    if (fit.form.text != "gemm" || fit.dtype != DType::fp8) continue;
    const std::size_t quantise = 11;
    ASSERT_EQ(forms::Gemm::kParameters[quantise].name, "quantise");
    EXPECT_EQ(fit.parameters[quantise].value, found.memory_bandwidth.count());
  }

  expect_simulated(profile, run, gpu);
}

TEST(GpuProfileSlow, KeepsTheDatasheetAndTheKernelsThatThereAre) {
  const LawfulGpu gpu("NVIDIA H200");
  const MachineProfile profile = machine_profile(gpu.run(), kCatalogue);
  EXPECT_EQ(profile.machine.gpu.name, "H200 SXM");
  EXPECT_EQ(profile.machine.gpu.kernels, "h200-sxm");
  EXPECT_FALSE(profile.machine.kernels);
  EXPECT_THAT(profile.notes, ::testing::Contains(::testing::HasSubstr("those of 'h200-sxm'")));
  for (const FamilyFit& fit : profile.families) {
    ASSERT_FALSE(fit.errors.empty()) << fit.law;
    EXPECT_LT(fit.errors.front().p90, 0.03) << fit.law;
    EXPECT_NE(fit.law, "roofline");
  }
}

}  // namespace
}  // namespace terrace::calibrate
