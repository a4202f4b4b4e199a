// Points of a processor whose kernels follow the laws of kernels/cpu: they are found again,
// written, read, and simulated with.

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/profile/machine_profile.hpp"
#include "sim/config/reader.hpp"
#include "sim/cost/cpu_kernels.hpp"
#include "sim/cost/forms/cpu.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/cost/roofline_share.hpp"
#include "tests/app/program.hpp"
#include "tests/calibrate/profile/synthetic_run.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});
constexpr forms::Chip kChip{4, 32 << 20};
const std::vector<double> kGemm = {40e-6, 300e9, 8e9};
const std::vector<double> kDecode = {50e-6, 4e8, 6e7, 9e9, 2e9};
const std::vector<double> kPrefill = {60e-6, 9e8, 3e11, 7e9, 1e9};

MeasuredPoint point(const char* family, int number, nlohmann::ordered_json x, const char* cache,
                    double seconds) {
  MeasuredPoint made;
  made.id = fmt::format("{}/{}/{}", family, number, cache);
  made.family = family;
  made.x = std::move(x);
  made.cache = cache;
  made.unit = "us";
  const double us = 1e6 * seconds;
  made.sample = {.median = us, .p10 = us, .p90 = us, .min = us, .n = 15};
  return made;
}

void add_products(MeasuredRun& run) {
  int i = 0;
  for (const int n : {256, 1024, 4096}) {
    for (const int k : {512, 2048}) {
      for (const int m : {1, 4, 16, 64, 256, 1024}) {
        const double t = forms::CpuGemm::seconds(kGemm, kChip, {m, n, k, 2});
        const nlohmann::ordered_json x = {{"m", m}, {"n", n}, {"k", k}, {"dtype", "bf16"}};
        run.points.push_back(point("gemm", ++i, x, "cold", t));
        run.points.push_back(point("gemm", i, x, "hot", t / 3));  // no law of what is served with
      }
    }
  }
}

void add_attention(MeasuredRun& run) {
  int i = 0;
  for (const auto& [nh, nkv, hd] : {std::tuple(8, 2, 64), std::tuple(8, 8, 64),
                                    std::tuple(16, 1, 64), std::tuple(32, 8, 128)}) {
    const nlohmann::ordered_json heads = {
        {"nh", nh}, {"nkv", nkv}, {"hd", hd}, {"kv_dtype", "bf16"}, {"window", 0}};
    for (const int b : {1, 2, 8, 32}) {
      for (const int kv : {32, 512, 2048, 8192}) {
        nlohmann::ordered_json x = heads;
        x["b"] = b;
        x["kv"] = kv;
        run.points.push_back(
            point("decode_attention", ++i, x, "cold",
                  forms::CpuDecode::seconds(kDecode, kChip,
                                            {.batch = b,
                                             .kv_tokens = static_cast<double>(b) * kv,
                                             .heads = nh,
                                             .kv_heads = nkv,
                                             .key_dim = hd,
                                             .value_dim = hd,
                                             .longest = static_cast<double>(kv)})));
      }
    }
    for (const int s : {16, 64, 128, 512, 1024}) {
      for (const int prefix : {0, 512, 2048}) {
        nlohmann::ordered_json x = heads;
        x["b"] = 1;
        x["s"] = s;
        x["prefix"] = prefix;
        run.points.push_back(
            point("prefill_attention", ++i, x, "cold",
                  forms::CpuPrefill::seconds(
                      kPrefill, kChip,
                      forms::CpuPrefill::Case{
                          .heads = nh,
                          .kv_heads = nkv,
                          .key_dim = hd,
                          .value_dim = hd,
                          .fresh = static_cast<double>(s),
                          .pairs = static_cast<double>(s) * prefix + s * (s + 1) / 2.0})));
      }
    }
  }
}

const MeasuredRun& lawful_run() {
  static const MeasuredRun kRun = [] {
    MeasuredRun run = testing::RunMaker({}).memory().run();
    run.tool["threads"] = 4;
    add_products(run);
    add_attention(run);
    return run;
  }();
  return kRun;
}

const MachineProfile& lawful_profile() {
  static const MachineProfile kProfile = machine_profile(lawful_run(), kCatalogue);
  return kProfile;
}

double microseconds(const Estimate& estimate) { return 1e6 * seconds(estimate.time); }

void expect_found(const std::string& form, const std::vector<double>& truth) {
  for (const KernelFit& fit : lawful_profile().machine.kernels->fits) {
    if (fit.form.text != form) continue;
    for (std::size_t j = 0; j < truth.size(); ++j) {
      EXPECT_NEAR(fit.parameters[j].value / truth[j], 1, 0.01) << form << " " << j;
    }
    return;
  }
  ADD_FAILURE() << "no fit of " << form;
}

TEST(CpuProfile, FindsTheLawsThatMadeThePoints) {
  const MachineProfile& profile = lawful_profile();
  ASSERT_TRUE(profile.machine.kernels) << fmt::format("{}", fmt::join(profile.notes, "\n"));
  EXPECT_TRUE(profile.machine.kernels->of_processor());
  EXPECT_TRUE(profile.machine.kernels->is_of(profile.machine.gpu));
  expect_found("cpu_gemm", kGemm);
  expect_found("cpu_decode", kDecode);
  expect_found("cpu_prefill", kPrefill);
}

TEST(CpuProfile, KeepsTheLawsThatItHasWithoutPrompts) {
  MeasuredRun run = lawful_run();
  std::erase_if(run.points, [](const MeasuredPoint& p) { return p.family == "prefill_attention"; });
  const MachineProfile profile = machine_profile(run, kCatalogue);
  ASSERT_TRUE(profile.machine.kernels) << fmt::format("{}", fmt::join(profile.notes, "\n"));
  for (const KernelFit& fit : profile.machine.kernels->fits) {
    EXPECT_NE(fit.form.text, "cpu_prefill");
  }
  std::erase_if(run.points, [](const MeasuredPoint& p) { return p.family == "decode_attention"; });
  EXPECT_FALSE(machine_profile(run, kCatalogue).machine.kernels);
}

TEST(CpuProfile, JudgesThemByPointsTheyHaveNotSeenToo) {
  for (const FamilyFit& fit : lawful_profile().families) {
    if (fit.law != "bf16") continue;
    EXPECT_TRUE(fit.gate && fit.gate->met()) << fit.law;
    ASSERT_TRUE(fit.errors.front().cv_median) << fit.law;
    EXPECT_LT(*fit.errors.front().cv_median, 0.02) << fit.law;
    if (fit.family != "gemm") continue;
    EXPECT_THAT(fit.notes, Contains(HasSubstr("36 points left out")));
  }
}

TEST(CpuProfile, SimulatesWithWhatWasMeasured) {
  const HardwareSpec& machine = lawful_profile().machine;
  const auto kernels = cpu_kernels(*machine.kernels, machine.gpu, Confidence::base);
  const double product = microseconds(kernels->product({.n = 1024, .k = 2048}, DType::bf16, 16));
  EXPECT_NEAR(product / (1e6 * forms::CpuGemm::seconds(kGemm, kChip, {16, 1024, 2048, 2})), 1,
              0.01);

  const AttentionKernel heads{.heads = 8, .kv_heads = 2, .head_dim = 64, .value_dim = 64};
  const auto law = kernels->attention(heads, DType::bf16);
  const AttentionBatch decodes{.decodes = 8, .context = Tokens{8 * 512}, .longest = Tokens{512}};
  const PrefillChunk chunk{Tokens{128}, Tokens{512}};
  AttentionBatch both = decodes;
  both.prefills = {&chunk, 1};
  const double alone = microseconds(law->time(decodes));
  const double chunk_alone = microseconds(law->time({.prefills = both.prefills}));
  EXPECT_NEAR(microseconds(law->time(both)), alone + chunk_alone, 1e-3);
  const auto measured = [](std::string_view family, auto is) {
    for (const MeasuredPoint& one : lawful_run().points) {
      if (one.family == family && one.x.value("nh", 0) == 8 && one.x.value("nkv", 0) == 2 &&
          is(one.x))
        return one.sample.median;
    }
    return 0.0;
  };
  EXPECT_NEAR(alone / measured("decode_attention",
                               [](const auto& x) { return x.at("b") == 8 && x.at("kv") == 512; }),
              1, 0.01);
  EXPECT_NEAR(chunk_alone /
                  measured("prefill_attention",
                           [](const auto& x) { return x.at("s") == 128 && x.at("prefix") == 512; }),
              1, 0.01);
}

TEST(CpuProfile, EfficienciesCountWhereARooflineStandsIn) {
  const testing::Workplace place;
  place.write("mine.yaml", machine_yaml(lawful_profile(), lawful_run()));
  place.write("small.yaml", testing::kSmall);
  const auto run = [&](const std::string& model, const std::string& set) {
    return place.terrace("run small.yaml --hw mine --json --set model=" + model, {"--set", set});
  };
  const std::string products = "hardware.gpu.efficiency.gemm_memory=";
  const auto slow = run("gpt2", products + "0.01");
  const auto fast = run("gpt2", products + "1");
  EXPECT_EQ(slow.status, 0) << slow.err;
  EXPECT_EQ(fast.status, 0) << fast.err;
  const auto tpot = [](const testing::Outcome& outcome) {
    return nlohmann::json::parse(outcome.out).at("mean_tpot_ms").get<double>();
  };
  EXPECT_GT(tpot(slow), tpot(fast)) << "what is between products is from a roofline";
  const std::string attention = "hardware.gpu.efficiency.attention_memory=0.5";
  EXPECT_THAT(run("gpt2", attention).err, HasSubstr("has no effect on the fitted kernel times"));
  const auto latent = roofline_share(
      *lawful_profile().machine.kernels,
      config::read_file<ModelSpec>(TERRACE_SOURCE_DIR "/models/deepseek-v2-lite.yaml"), {});
  EXPECT_TRUE(latent.attention) << "no MLA was measured";
}

TEST(CpuProfile, IsWrittenReadAndRun) {
  const testing::Workplace place;
  place.write("mine.yaml", machine_yaml(lawful_profile(), lawful_run()));
  place.write("small.yaml", testing::kSmall);
  const auto outcome = place.terrace("run small.yaml --hw mine --set model=gpt2 --json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, ::testing::Not(HasSubstr("roofline")));
  const auto table = place.terrace(
      "run small.yaml --hw mine --set model=gpt2 --set serving.cost.backend=table "
      "--set serving.cost.tables=.");
  EXPECT_NE(table.status, 0);
  EXPECT_THAT(table.err, HasSubstr("corrects the laws of a GPU"));
}

}  // namespace
}  // namespace terrace::calibrate
