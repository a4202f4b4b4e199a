// Points of machines whose laws are known become profiles that say so.

#include "calibrate/profile/machine_profile.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/profile/roofline_fit.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/config/reader.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/cost/roofline.hpp"
#include "sim/fabric/number_source.hpp"
#include "tests/app/program.hpp"
#include "tests/calibrate/profile/synthetic_run.hpp"

namespace terrace::calibrate {
namespace {

using terrace::testing::full_run;
using terrace::testing::Processor;
using terrace::testing::RunMaker;
using terrace::testing::Workplace;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});

void expect_near(double found, double truth, double share) {
  EXPECT_NEAR(found / truth, 1, share) << found << " for " << truth;
}

const FamilyFit& law_of(const MachineProfile& profile, const std::string& family) {
  const auto found = std::find_if(profile.families.begin(), profile.families.end(),
                                  [&](const FamilyFit& fit) { return fit.family == family; });
  EXPECT_NE(found, profile.families.end()) << family;
  return *found;
}

HardwareSpec read_back(const std::string& yaml) {
  const Workplace place;
  place.write("machine.yaml", yaml);
  return config::read_file<HardwareSpec>(place.at("machine.yaml").string(), kCatalogue);
}

TEST(RooflineFit, FindsTheLawsOfAProcessor) {
  const Processor truth;
  const MeasuredRun run = full_run(truth);
  const RooflineFit fit = fit_roofline(run);
  expect_near(fit.launch.value().value, truth.launch, 0.001);
  expect_near(fit.products.rate.value().value, truth.product_rate, 0.001);
  expect_near(fit.products.bandwidth.value().value, truth.product_bandwidth, 0.001);
  expect_near(fit.attention.rate.value().value, truth.attention_rate, 0.001);
  expect_near(fit.attention.bandwidth.value().value, truth.attention_bandwidth, 0.001);
  for (const FamilyFit& family : fit.families) EXPECT_LT(family.errors.front().max, 0.002);
}

TEST(RooflineFit, HoldsItsIntervalsAroundTheTruthWhenPointsScatter) {
  Processor truth;
  truth.noise = 0.05;
  const MeasuredRun run = full_run(truth);
  const RooflineFit fit = fit_roofline(run);
  expect_near(fit.products.rate.value().value, truth.product_rate, 0.05);
  expect_near(fit.attention.bandwidth.value().value, truth.attention_bandwidth, 0.05);
  const FittedParameter rate = fit.attention.rate.value();
  EXPECT_LT(rate.low, rate.high);
  EXPECT_LT(rate.low, 1.02 * truth.attention_rate);
  EXPECT_GT(rate.high, 0.98 * truth.attention_rate);
}

TEST(RooflineFit, DoesNotInventACeilingThatNoPointMeets) {
  Processor truth;
  truth.attention_bandwidth = 1e15;
  const RooflineFit fit = fit_roofline(RunMaker(truth).memory().gemm().decode().run());
  EXPECT_FALSE(fit.attention.bandwidth);
  expect_near(fit.attention.rate.value().value, truth.attention_rate, 0.001);
}

TEST(RooflineFit, TakesTheLaunchThatWasMeasured) {
  MeasuredRun run = full_run();
  MeasuredPoint point;
  point.id = "launch/in_a_row";
  point.family = "launch";
  point.x = {{"op", "in_a_row"}, {"threads", 0}};
  point.unit = "us";
  point.sample = {.median = 9, .p10 = 8, .p90 = 10, .min = 8, .n = 15};
  run.points.push_back(point);
  EXPECT_NEAR(fit_roofline(run).launch.value().value, 12e-6, 1e-8) << "of a processor: fitted";
  run.host["gpu"] = "a GPU";
  EXPECT_DOUBLE_EQ(fit_roofline(run).launch.value().value, 9e-6);
  const HardwareSpec machine = machine_profile(run, kCatalogue).machine;
  EXPECT_EQ(machine.gpu.efficiency.kernel_launch, std::chrono::microseconds(9));
  EXPECT_THAT(machine.gpu.sources.at("efficiency.kernel_launch"), StartsWith("measured: "));
}

TEST(RooflineFit, ComparesHotPointsWithoutFittingThem) {
  MeasuredRun run = full_run();
  const auto cold = run.points.size();
  for (std::size_t i = 0; i < cold; ++i) {
    if (run.points[i].family != "gemm") continue;
    MeasuredPoint hot = run.points[i];
    hot.id += "/hot";
    hot.cache = "hot";
    hot.sample.median /= 2;
    run.points.push_back(hot);
  }
  const RooflineFit fit = fit_roofline(run);
  expect_near(fit.products.rate.value().value, Processor().product_rate, 0.001);
  const RegimeError& hot = fit.families.front().errors.back();
  EXPECT_EQ(hot.regime, kNotFitted);
  EXPECT_NEAR(hot.median, 1, 0.01);
}

// The fit's formula has to be the cost model's: what it predicts of a point, a simulation takes.
TEST(MachineProfile, PredictsItsPointsAsTheSimulatorWill) {
  const MeasuredRun run = full_run();
  const MachineProfile profile = machine_profile(run, kCatalogue);
  const auto kernels = roofline_kernels(profile.machine.gpu);
  const auto microseconds = [](const Estimate& e) { return seconds(e.time) * 1e6; };
  for (const FittedPoint& one : law_of(profile, "gemm").points) {
    const Shape x(*one.point);
    const Product product{.n = x.count("n"), .k = x.count("k")};
    expect_near(microseconds(kernels->product(product, DType::bf16, x.count("m"))), one.predicted,
                0.01);
  }
  for (const FittedPoint& one : law_of(profile, "decode_attention").points) {
    const Shape x(*one.point);
    const AttentionKernel kernel{.heads = x.count("num_heads"),
                                 .kv_heads = x.count("num_kv_heads"),
                                 .head_dim = 128,
                                 .value_dim = 128};
    AttentionBatch batch{.decodes = x.count("batch"),
                         .context = Tokens{x.count("batch") * x.count("kv_len")},
                         .longest = Tokens{x.count("kv_len")}};
    expect_near(microseconds(kernels->attention(kernel, DType::bf16)->time(batch)), one.predicted,
                0.01);
  }
  for (const FittedPoint& one : law_of(profile, "prefill_attention").points) {
    const Shape x(*one.point);
    const AttentionKernel kernel{.heads = 8, .kv_heads = 8, .head_dim = 64, .value_dim = 64};
    const PrefillChunk chunk{Tokens{x.count("seq_len")}, Tokens{x.count("prefix")}};
    AttentionBatch batch;
    batch.prefills = {&chunk, 1};
    expect_near(microseconds(kernels->attention(kernel, DType::bf16)->time(batch)), one.predicted,
                0.01);
  }
}

TEST(MachineProfile, HasTheMachineThatWasMeasured) {
  const MeasuredRun run = full_run();
  const MachineProfile profile = machine_profile(run, kCatalogue);
  const HardwareSpec& machine = profile.machine;
  EXPECT_EQ(machine.gpu.name, "test processor");
  EXPECT_EQ(machine.gpu.memory, Bytes{std::int64_t{16} << 30});  // not what happened to be free
  expect_near(machine.gpu.memory_bandwidth.count(), 10e9, 1e-3);
  expect_near(machine.gpu.bf16.count(), 80e9, 1e-2);
  expect_near(machine.gpu.host_link.h2d.count(), 4e9, 1e-2);
  expect_near(seconds(machine.gpu.host_link.latency), 5e-6, 0.05);
  EXPECT_EQ(machine.host.dram, Bytes{std::int64_t{16} << 30});
  expect_near(machine.host.dram_bandwidth.count(), 10e9, 1e-3);  // reads are faster than copies
  ASSERT_TRUE(machine.ssd);
  EXPECT_EQ(machine.ssd->name, "test disk, virtual");
  expect_near(seconds(machine.ssd->read.latency), 100e-6, 0.02);
  expect_near(machine.ssd->write.bandwidth.count(), 3e9, 0.02);
  EXPECT_THAT(machine.gpu.sources.at("efficiency.gemm_compute"), StartsWith("fitted: a roofline"));
  EXPECT_FALSE(machine.kernels);
}

// What the synthetic points say has to be what measured ones do.
TEST(MachineProfile, IsTestedWithPointsAsTheyArePlanned) {
  const Extent extent{.threads = 4,
                      .memory = Bytes{std::int64_t{8} << 30},
                      .cache = Bytes{32 << 20},
                      .disk = Bytes{1 << 30},
                      .pace = {Bandwidth{10e9}, FlopRate{80e9}}};
  std::map<std::string, std::set<std::string>> planned;
  for (const Planned& one : plan_of(families(), extent)) {
    for (const auto& [name, value] : one.measurement.x.items()) {
      planned[std::string(one.family->name)].insert(name);
    }
  }
  for (const MeasuredPoint& point : full_run().points) {
    for (const auto& [name, value] : point.x.items()) {
      EXPECT_TRUE(planned[point.family].contains(name)) << point.id << ": " << name;
    }
  }
}

TEST(MachineProfile, TellsBlocksFromTheWakingOfThreads) {
  // 60 us to wake them, 1 us and its bytes for each fragment.
  const MeasuredRun run = RunMaker({}).memory().gemm().blocks(1e-6, 4e9, 60e-6).run();
  const MachineProfile profile = machine_profile(run, kCatalogue);
  const FamilyFit& fit = law_of(profile, "blocks");
  EXPECT_EQ(fit.points.size(), 16U);  // of 21, five are single blocks
  for (const FittedPoint& one : fit.points) EXPECT_GE(Shape(*one.point).needed("blocks"), 16);
}

TEST(MachineProfile, DoubtsColdPointsThatMayBeOfACache) {
  MeasuredRun run = full_run();
  run.tool["extent"]["cold_bytes"] = 3 * (32 << 20);
  const auto source = [&] {
    return machine_profile(run, kCatalogue).machine.gpu.sources.at("efficiency.gemm_memory");
  };
  EXPECT_THAT(source(), EndsWith(", high"));
  run.tool["extent"]["cold_bytes"] = 48 << 20;
  EXPECT_THAT(source(), HasSubstr("may be of a cache"));
  EXPECT_THAT(source(), EndsWith(", low"));

  // Points of 1 and 16 MiB are faster than memory is; the one of 256 MiB is not of the cache.
  for (MeasuredPoint& point : run.points) {
    const bool small = point.family == "memory" && point.x.at("bytes") < (64 << 20);
    if (small) point.sample.median /= 10;
  }
  const HostSpec host = machine_profile(run, kCatalogue).machine.host;
  expect_near(host.dram_bandwidth.count(), 10e9, 1e-3);
}

TEST(MachineProfile, IsWrittenReadAndRun) {
  const MeasuredRun run = full_run();
  const std::string yaml = machine_yaml(machine_profile(run, kCatalogue), run);
  EXPECT_EQ(machine_yaml(machine_profile(run, kCatalogue), run), yaml);
  const HardwareSpec machine = read_back(yaml);
  const std::string again = machine_yaml({machine, {}, {}}, run);
  EXPECT_EQ(again.substr(again.find("gpu:")), yaml.substr(yaml.find("gpu:")));

  const Workplace place;
  place.write("mine.yaml", yaml);
  place.write("small.yaml", testing::kSmall);
  const auto outcome = place.terrace("run small.yaml --hw mine --set model=gpt2 --json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto shown = place.terrace("hw show mine.yaml");
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("[fitted, 2026-11-22, high] a roofline"));
}

TEST(MachineProfile, KeepsTheRatesOfTypesApart) {
  const MeasuredRun run = full_run();
  MeasuredRun both = run;
  for (const MeasuredPoint& point : run.points) {
    if (point.family != "gemm") continue;
    MeasuredPoint& narrow = both.points.emplace_back(point);
    narrow.id += "/fp8";
    narrow.x["dtype"] = "fp8";
    narrow.sample.median /= 3;
  }
  const GpuSpec wide = machine_profile(run, kCatalogue).machine.gpu;
  const GpuSpec gpu = machine_profile(both, kCatalogue).machine.gpu;
  EXPECT_EQ(gpu.bf16, wide.bf16);
  EXPECT_EQ(gpu.efficiency.gemm_compute, wide.efficiency.gemm_compute);
  EXPECT_EQ(gpu.efficiency.gemm_memory, wide.efficiency.gemm_memory);
  EXPECT_EQ(wide.fp8, FlopRate{});
  EXPECT_THAT(wide.sources.at("fp8"), StartsWith("assumed: "));
  EXPECT_THAT(gpu.sources.at("fp8"), HasSubstr("the best product of fp8"));
  EXPECT_GT(gpu.fp8.count(), 2.5 * wide.bf16.count());
  EXPECT_LT(gpu.fp8.count(), 3.01 * wide.bf16.count());
}

TEST(MachineProfile, SaysWhatIsMissing) {
  EXPECT_THAT(machine_profile(RunMaker({}).gemm().run(), kCatalogue)
                  .machine.gpu.sources.at("memory_bandwidth"),
              HasSubstr("no stream was measured"));
  EXPECT_THROW(machine_profile(RunMaker({}).memory().run(), kCatalogue), config::ConfigError);

  const MeasuredRun run = RunMaker({}).memory().gemm().run();
  const HardwareSpec machine = machine_profile(run, kCatalogue).machine;
  EXPECT_FALSE(machine.ssd);
  EXPECT_THAT(machine.gpu.sources.at("efficiency.attention_memory"), StartsWith("assumed: "));
  EXPECT_EQ(machine.gpu.efficiency.attention_memory, machine.gpu.efficiency.gemm_memory);
  EXPECT_FALSE(machine.gpu.efficiency.decode_error);
  EXPECT_THAT(machine_yaml({machine, {}, {}}, run), Not(HasSubstr("ssd:")));
}

TEST(MachineProfile, JudgesItsLaws) {
  const MeasuredRun run = full_run();
  const MachineProfile profile = machine_profile(run, kCatalogue);
  for (const FamilyFit& fit : profile.families) {
    ASSERT_TRUE(fit.gate) << fit.family;
    EXPECT_TRUE(fit.gate->met()) << fit.family << " " << fit.law;
  }
  MeasuredRun bad = run;
  for (std::size_t i = 0; i < bad.points.size(); i += 2) bad.points[i].sample.median *= 2;
  const MachineProfile off = machine_profile(bad, kCatalogue);
  EXPECT_FALSE(law_of(off, "gemm").gate->met());
}

TEST(MachineProfile, TrustsNumbersLessThatWereUnstable) {
  MeasuredRun run = full_run();
  for (MeasuredPoint& point : run.points) point.sample.stable = false;
  const HardwareSpec machine = machine_profile(run, kCatalogue).machine;
  const auto source = NumberSource::parse(machine.gpu.sources.at("bf16"));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->confidence, "low");
}

TEST(MachineProfile, TrustsALawLittleThatMissesItsGate) {
  const auto confidence = [](const MeasuredRun& run) {
    const HardwareSpec machine = machine_profile(run, kCatalogue).machine;
    return std::string(
        NumberSource::parse(machine.gpu.sources.at("efficiency.gemm_compute")).value().confidence);
  };
  MeasuredRun run = full_run();
  EXPECT_EQ(confidence(run), "high");
  for (std::size_t i = 0; i < run.points.size(); i += 2) run.points[i].sample.median *= 2;
  EXPECT_EQ(confidence(run), "low");
}

struct Found {
  const char* by_driver;
  int sms;
  int mebibytes;
  const char* entry;  // empty: none
};

TEST(MachineProfile, StartsFromTheCatalogueWhereItKnowsTheGpu) {
  for (const Found& gpu : {Found{"NVIDIA H200", 132, 143771, "H200 SXM"},
                           Found{"NVIDIA H200 NVL", 132, 143150, "H200 NVL"},
                           Found{"NVIDIA A100-SXM4-80GB", 108, 81920, "A100 SXM 80 GB"},
                           Found{"NVIDIA A100 80GB PCIe", 108, 81920, "A100 PCIe 80 GB"},
                           Found{"NVIDIA H100 80GB HBM3", 132, 81559, "H100 SXM"},
                           Found{"NVIDIA H200", 100, 143771, ""}}) {
    MeasuredRun run = RunMaker({}).memory().gemm().run();
    run.host["gpu"] = gpu.by_driver;
    run.host["sms"] = gpu.sms;
    run.host["mem_mib"] = gpu.mebibytes;
    const MachineProfile profile = machine_profile(run, kCatalogue);
    if (*gpu.entry == '\0') {
      EXPECT_EQ(profile.machine.gpu.name, gpu.by_driver);
      EXPECT_THAT(profile.notes.front(), HasSubstr("is none of 'terrace list gpus'"));
      continue;
    }
    EXPECT_EQ(profile.machine.gpu.name, gpu.entry);
    EXPECT_THAT(profile.machine.gpu.sources.at("bf16"), StartsWith("datasheet: "));
    EXPECT_FALSE(profile.machine.kernels) << "too few laws: those that are shipped hold";
  }
}

}  // namespace
}  // namespace terrace::calibrate
