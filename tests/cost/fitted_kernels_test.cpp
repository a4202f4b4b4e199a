// The shipped fits against numbers from outside, physics and each other; tables of measurements
// against what they were made from.

#include "sim/cost/fitted_kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/cost/execution.hpp"
#include "sim/cost/roofline.hpp"
#include "sim/cost/step_model.hpp"
#include "tests/cost/rooflines.hpp"

namespace terrace {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace tests;
namespace fs = std::filesystem;

constexpr std::array kMeasured{"a100-80-sxm", "h100-sxm", "h200-sxm", "l40s",
                               "rtx-pro-6000-server"};

KernelProfile shipped_kernels(const std::string& gpu) {
  return config::read_file<KernelProfile>(in_repository("hwprofiles/kernels/" + gpu + ".yaml"));
}

std::unique_ptr<const Kernels> fitted(const std::string& gpu,
                                      Confidence confidence = Confidence::base) {
  return fitted_kernels(shipped_kernels(gpu), shipped_gpu(gpu), confidence);
}

std::unique_ptr<CostModel> fitted_steps(const std::string& model, const std::string& gpu_name,
                                        int tp = 1, Confidence confidence = Confidence::base) {
  const GpuSpec gpu = shipped_gpu(gpu_name);
  return make_step_model(shipped_model(model),
                         {.parallel = {.tensor = tp},
                          .captured = capture_sizes(512),
                          .overhead = gpu.efficiency.step_overhead,
                          .prompt_layer_overhead = gpu.efficiency.prompt_layer_overhead,
                          .eager_all_reduce = gpu.efficiency.eager_all_reduce},
                         fitted(gpu_name, confidence));
}

AttentionKernel heads(std::int64_t queries, std::int64_t kv_heads, std::int64_t head_dim) {
  return {queries, kv_heads, head_dim, head_dim};
}

// Against numbers from outside.

TEST(FittedKernels, DecodesLlama8bOnH200) {
  const double step =
      milliseconds(fitted_steps("llama-3.1-8b", "h200-sxm")->time(decoding(1, 1024)));
  RecordProperty("ms", std::to_string(step));
  EXPECT_GT(step, 4);
  EXPECT_LT(step, 6);
}

TEST(FittedKernels, PrefillsLlamaOnH200) {
  // From a roofline with fitted rates: 198 ms for 8192 tokens; 508 ms of 70B on four.
  const double small =
      milliseconds(fitted_steps("llama-3.1-8b", "h200-sxm")->time(Prefill(8192).batch()));
  RecordProperty("small_ms", std::to_string(small));
  EXPECT_NEAR(small, 198, 0.2 * 198);
  const double large =
      milliseconds(fitted_steps("llama-3.1-70b", "h200-sxm", 4)->time(Prefill(8192).batch()));
  RecordProperty("large_ms", std::to_string(large));
  EXPECT_NEAR(large, 508, 0.25 * 508);
}

TEST(FittedKernels, DeepSeekIsNeitherFasterThanTheHardwareNorFarFromARoofline) {
  const ModelSpec model = shipped_model("deepseek-v3");
  const GpuSpec gpu = shipped_gpu("h200-sxm");
  const auto cost = fitted_steps("deepseek-v3", "h200-sxm", 8);
  const auto roof = roofline("deepseek-v3", "h200-sxm", 8);
  const auto kv =
      static_cast<double>(kv_bytes_per_token_per_gpu(model, DType::bf16, Parallel{8}).count());
  const double used =
      active_parameters(model) - 2.0 * static_cast<double>(model.vocabulary * model.hidden);
  const double weights = used * static_cast<double>(bits(model.weight_dtype)) / 8 / 8;
  for (const std::int64_t batch : {1, 8, 64, 256}) {
    for (const std::int64_t context : {1, 1024, 16'384}) {
      const auto n = static_cast<double>(batch);
      const double step = seconds(cost->time(decoding(batch, context)));
      const double rough = seconds(roof->time(decoding(batch, context)));
      EXPECT_GE(step, 2 * n * used / (8 * gpu.fp8.count()));
      EXPECT_GE(step,
                (weights + n * static_cast<double>(context) * kv) / gpu.memory_bandwidth.count());
      EXPECT_LT(step, 2 * rough) << batch << " of " << context;
      EXPECT_GT(step, rough / 2) << batch << " of " << context;
    }
  }
}

TEST(FittedKernels, NeverFasterThanTheHardware) {
  for (const char* name : kMeasured) {
    SCOPED_TRACE(name);
    const GpuSpec gpu = shipped_gpu(name);
    const ModelSpec model = shipped_model("llama-3.1-8b");
    const auto cost = fitted_steps("llama-3.1-8b", name);
    const auto kv = static_cast<double>(kv_bytes_per_token(model, DType::bf16).count());
    const double used =
        parameters(model) - 2.0 * static_cast<double>(model.vocabulary * model.hidden);
    for (const std::int64_t batch : {1, 8, 64, 512, 4096}) {
      for (const std::int64_t context : {1, 100, 10'000}) {
        const auto n = static_cast<double>(batch);
        const auto c = static_cast<double>(context);
        const double step = seconds(cost->time(decoding(batch, context)));
        EXPECT_GE(step, 2 * n * used / gpu.bf16.count());
        EXPECT_GE(step, (2 * used + n * c * kv) / gpu.memory_bandwidth.count());
        const double prefill = seconds(cost->time(Prefill(batch, context).batch()));
        EXPECT_GE(prefill, 2 * n * used / gpu.bf16.count());
        EXPECT_GE(prefill, (2 * used + (n + c) * kv) / gpu.memory_bandwidth.count());
      }
    }
  }
}

// What stands in is said.

std::vector<std::string> caveats_after(const std::string& gpu, DType weights, std::int64_t head_dim,
                                       int gpus, DType kv = DType::bf16) {
  const auto kernels = fitted(gpu);
  static_cast<void>(kernels->product({Op::qkv_proj, 4096, 4096, 1}, weights, 1));
  static_cast<void>(kernels->attention(heads(32, 8, head_dim), kv));
  if (gpus > 1) static_cast<void>(kernels->collective(Collective::all_reduce, Bytes{65536}, gpus));
  return kernels->caveats();
}

TEST(FittedKernels, CaveatsNameWhatStandsIn) {
  const auto only_mixed = testing::ElementsAre(HasSubstr("steps with prompts and decodes"));
  EXPECT_THAT(caveats_after("h200-sxm", DType::bf16, 128, 4), only_mixed);
  EXPECT_THAT(caveats_after("h200-sxm", DType::fp8, 64, 8, DType::fp8), only_mixed);
  EXPECT_THAT(caveats_after("rtx-pro-6000-server", DType::bf16, 128, 4), IsEmpty());
  EXPECT_THAT(caveats_after("h200-sxm", DType::bf16, 96, 1),
              Contains(HasSubstr("no decode fit for bf16, 96; that for bf16, 128 stands in")));
  EXPECT_THAT(caveats_after("h200-sxm", DType::bf16, 96, 1),
              Contains(HasSubstr("no prefill fit for bf16, 96")));
  EXPECT_THAT(caveats_after("h200-sxm", DType::bf16, 128, 3),
              Contains(HasSubstr("no all_reduce fit for bf16, 3; that for bf16, 4 stands in")));
  EXPECT_THAT(caveats_after("h200-sxm", DType::int4, 128, 1),
              Contains(HasSubstr("no gemm fit for int4; that for bf16 stands in")));
  EXPECT_THAT(caveats_after("a100-80-sxm", DType::fp8, 128, 1),
              Contains(HasSubstr("no gemm fit for fp8; that for bf16 stands in")));
  EXPECT_THAT(caveats_after("a100-80-sxm", DType::bf16, 128, 1, DType::fp8),
              Contains(HasSubstr("no decode fit for fp8, 128; that for bf16, 128 stands in")));
}

TEST(FittedKernels, ExpertsAreSaidNotToBeMeasured) {
  const auto kernels = fitted("h200-sxm");
  static_cast<void>(kernels->experts({8, 8, 2, 4096, 14336, 3}, DType::bf16, {4, 8, 5}));
  EXPECT_THAT(kernels->caveats(), Contains(HasSubstr("routed experts")));
}

TEST(FittedKernels, ARooflineStandsInForAFamilyWithoutFit) {
  KernelProfile none = shipped_kernels("h200-sxm");
  none.fits.clear();
  const GpuSpec gpu = shipped_gpu("h200-sxm");
  const ModelSpec model = shipped_model("deepseek-v3");
  for (const Confidence end : {Confidence::low, Confidence::base, Confidence::high}) {
    const auto cost =
        make_step_model(model, {.parallel = {.tensor = 8}}, fitted_kernels(none, gpu, end));
    const auto roof =
        make_step_model(model, {.parallel = {.tensor = 8}}, roofline_kernels(gpu, end));
    EXPECT_EQ(cost->time(decoding(7, 1000)), roof->time(decoding(7, 1000)));
    EXPECT_EQ(cost->time(Prefill(700, 1000).batch()), roof->time(Prefill(700, 1000).batch()));
    for (const char* family : {"products", "MLA attention", "all_reduce"}) {
      EXPECT_THAT(cost->caveats(), Contains(HasSubstr(family)));
    }
  }
}

TEST(FittedKernels, MlaWhoseDecodesAloneWereMeasuredGoesByTheirLaw) {
  KernelProfile decodes = shipped_kernels("h200-sxm");
  std::erase_if(decodes.fits, [](const KernelFit& fit) { return fit.form.text == "mla_prefill"; });
  const GpuSpec gpu = shipped_gpu("h200-sxm");
  const AttentionKernel latent{16, 16, 192, 128, 512, 64};
  const PrefillChunk chunk{Tokens{512}, Tokens{2048}};
  const AttentionBatch decoding{32, Tokens{32 * 2000}, Tokens{2000}, {}};
  const AttentionBatch prompt{.prefills = {&chunk, 1}};
  AttentionBatch both = decoding;
  both.prefills = prompt.prefills;

  const auto kernels = fitted_kernels(decodes, gpu, Confidence::base);
  const auto law = kernels->attention(latent, DType::bf16);
  const auto whole = fitted("h200-sxm")->attention(latent, DType::bf16);
  const auto roof = roofline_kernels(gpu)->attention(latent, DType::bf16);
  ASSERT_NE(whole->time(decoding).time, roof->time(decoding).time);
  EXPECT_EQ(law->time(decoding).time, whole->time(decoding).time);
  EXPECT_EQ(law->time(prompt).time, roof->time(prompt).time);
  EXPECT_EQ(law->time(both).time, law->time(decoding).time + law->time(prompt).time);
  EXPECT_THAT(kernels->caveats(), testing::ElementsAre(HasSubstr("prompts of MLA")));
}

// Laws.

struct Place {
  const char* model;
  const char* gpu;
  int tp;
};

constexpr Place kPlaces[] = {
    {"llama-3.1-8b", "h200-sxm", 1},  {"llama-3.1-70b", "h200-sxm", 4},
    {"deepseek-v3", "h200-sxm", 8},   {"qwen3-30b-a3b", "rtx-pro-6000-server", 1},
    {"llama-3.1-8b", "l40s", 1},      {"gemma-3-12b", "h100-sxm", 1},
    {"phi-3-mini", "a100-80-sxm", 1}, {"deepseek-v3.2", "h100-sxm", 8},
};

/// Bounded sums as of sequences that are at least this long.
std::vector<Tokens> bounded_sums(const ModelSpec& model, std::int64_t n, std::int64_t each) {
  std::vector<Tokens> sums;
  for (const BoundedReach& reach : bounded_reaches(model)) {
    sums.push_back(Tokens{n * attended(reach.reach, reach.span, Tokens{each}).count()});
  }
  return sums;
}

TEST(FittedKernels, MoreWorkTakesLonger) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::string(place.model) + " on " + place.gpu);
    const ModelSpec model = shipped_model(place.model);
    const auto cost = fitted_steps(place.model, place.gpu, place.tp);
    const auto decode = [&](std::int64_t n, std::int64_t context) {
      const std::vector<Tokens> sums = bounded_sums(model, n, context);
      Batch batch = decoding(n, context);
      batch.decode_bounded = sums;
      return cost->time(batch);
    };
    Duration sequences{};
    Duration context{};
    Duration fresh{};
    Duration prefix{};
    for (std::int64_t x = 1; x <= 8192; x *= 2) {
      const Duration now[] = {decode(x, 2000), decode(16, 10 * x),
                              cost->time(Prefill(x, 1000).batch()),
                              cost->time(Prefill(512, 13 * x).batch())};
      EXPECT_GT(now[0], Duration::zero());
      EXPECT_GE(now[0], sequences) << x;
      EXPECT_GE(now[1], context) << x;
      EXPECT_GE(now[2], fresh) << x;
      EXPECT_GE(now[3], prefix) << x;
      sequences = now[0], context = now[1], fresh = now[2], prefix = now[3];
    }
  }
}

TEST(FittedKernels, ErrorBarsLieOnBothSides) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::string(place.model) + " on " + place.gpu);
    const ModelSpec model = shipped_model(place.model);
    const std::vector<Tokens> sums = bounded_sums(model, 16, 2000);
    Batch decodes = decoding(16, 2000);
    decodes.decode_bounded = sums;
    const auto at = [&](Confidence end) {
      const auto cost = fitted_steps(place.model, place.gpu, place.tp, end);
      return std::array{cost->time(decodes), cost->time(Prefill(2048, 100).batch())};
    };
    const auto low = at(Confidence::low);
    const auto base = at(Confidence::base);
    const auto high = at(Confidence::high);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_LT(low[i], base[i]);
      EXPECT_LT(base[i], high[i]);
      EXPECT_LT(high[i], 2 * low[i]);
    }
  }
}

TEST(FittedKernels, DecodesAlongWithAChunkCostLessThanOnTheirOwn) {
  const auto law = fitted("h200-sxm")->attention(heads(32, 8, 128), DType::bf16);
  const std::array chunk{PrefillChunk{Tokens{512}, Tokens{2048}}};
  const AttentionBatch decodes{32, Tokens{32 * 2000}, Tokens{2000}, {}};
  AttentionBatch mixed = decodes;
  mixed.prefills = chunk;
  const Duration apart = law->time(decodes).time + law->time({.prefills = chunk}).time;
  EXPECT_LT(law->time(mixed).time, apart);
  EXPECT_GE(law->time(mixed).time, law->time({.prefills = chunk}).time);
  EXPECT_GE(law->time(mixed).time, law->time(decodes).time);
}

TEST(FittedKernels, PromptsMeetNoMoreThanTheirLayersReach) {
  const auto kernels = fitted("h200-sxm");
  const auto time = [&](Reach reach, std::int64_t span, std::vector<PrefillChunk> chunks) {
    AttentionKernel kernel = heads(32, 8, 128);
    kernel.reach = reach;
    kernel.span = Tokens{span};
    return kernels->attention(kernel, DType::bf16)->time({.prefills = chunks}).time;
  };
  const PrefillChunk across{Tokens{20'000}, Tokens{8192 + 4000}};
  EXPECT_EQ(
      time(Reach::chunk, 8192, {across}),
      time(Reach::all, 0,
           {{Tokens{4192}, Tokens{4000}}, {Tokens{8192}, Tokens{0}}, {Tokens{7616}, Tokens{0}}}));
  EXPECT_LT(time(Reach::window, 1024, {across}), time(Reach::all, 0, {across}));
  EXPECT_EQ(time(Reach::window, 1'000'000, {across}), time(Reach::all, 0, {across}));
  // As many pairs of a query and a key as a causal chunk of that prefix has.
  EXPECT_EQ(time(Reach::encoder, 1500, {{Tokens{400}, Tokens{0}}}),
            time(Reach::all, 0, {{Tokens{400}, Tokens{1300}}}));
}

TEST(FittedKernels, NarrowExpertsAreNoSlowerThanWideOnes) {
  // Tokens are quantised before they are copied to their experts.
  const auto kernels = fitted("h200-sxm");
  for (const std::int64_t tokens : {1, 64, 1024, 16'384}) {
    const auto n = static_cast<double>(tokens);
    const Routed routed{tokens, 8 * n, 256 * (1 - std::pow(1 - 8.0 / 256, n))};
    const ExpertsWork work{256, 256, 8, 7168, 2048, 3};
    EXPECT_LT(kernels->experts(work, DType::fp8, routed).time,
              kernels->experts(work, DType::bf16, routed).time)
        << tokens;
  }
}

TEST(FittedKernels, SparsePromptsAreBoundedByWhatTheyChoose) {
  const auto kernels = fitted("h200-sxm");
  AttentionKernel dense{16, 16, 192, 128, 512, 64};
  AttentionKernel sparse = dense;
  sparse.reach = Reach::chosen;
  sparse.span = Tokens{2048};
  const auto all = kernels->attention(dense, DType::bf16);
  const auto some = kernels->attention(sparse, DType::bf16);
  const auto time = [](const auto& law, std::int64_t prefix) {
    const std::array chunk{PrefillChunk{Tokens{1024}, Tokens{prefix}}};
    return law->time({.prefills = chunk}).time;
  };
  EXPECT_EQ(time(some, 1024), time(all, 1024));  // it chooses all
  EXPECT_EQ(time(some, 20'000), time(some, 200'000));
  EXPECT_LT(time(some, 200'000), time(all, 200'000));
  EXPECT_THAT(kernels->caveats(), Contains(HasSubstr("prefill of sparse attention")));

  // An index has keys and no values.
  const auto index = kernels->attention({64, 1, 128, 0}, DType::bf16);
  const auto full = kernels->attention({64, 1, 128, 128}, DType::bf16);
  EXPECT_LT(time(index, 200'000), time(full, 200'000));
  EXPECT_THAT(kernels->caveats(), Contains(HasSubstr("the index of sparse attention")));
}

// Against measurements that are not shipped.

std::string data() {
  const char* folder = std::getenv("TERRACE_DATA");
  return folder == nullptr ? "" : folder;
}

/// The cells of a CSV file, without its head.
std::vector<std::vector<std::string>> rows_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(share * static_cast<double>(values.size() - 1)));
}

TEST(FittedKernels, RoutedExpertsOfAnRtxPro6000) {
  const fs::path file =
      data() + "/layer_profiles/RTXPRO6000_Qwen3-30B-A3B-Instruct-2507_tp1_moe.csv";
  if (!fs::exists(file)) GTEST_SKIP() << "TERRACE_DATA has no layer_profiles";
  const auto kernels = fitted("rtx-pro-6000-server");
  std::vector<double> errors;
  std::vector<double> signed_errors;
  for (const auto& row : rows_of(file)) {
    const std::int64_t tokens = std::stoll(row[0]);
    const Estimate time =
        kernels->experts({128, 128, 8, 2048, 768, 3}, DType::bf16,
                         {tokens, 8.0 * static_cast<double>(tokens), std::stod(row[1])});
    signed_errors.push_back(seconds(time.time) / (std::stod(row[2]) * 1e-6) - 1);
    errors.push_back(std::abs(signed_errors.back()));
  }
  ASSERT_EQ(errors.size(), 50U);
  const std::string all =
      fmt::format("median {:.3f}, p90 {:.3f}, bias {:+.3f}", quantile(errors, 0.5),
                  quantile(errors, 0.9), quantile(signed_errors, 0.5));
  RecordProperty("errors", all);
  std::cout << "routed experts, not fitted to: " << all << '\n';
  // Found: 0.146 and 0.262, too fast; the law of dense products knows no gather of rows.
  EXPECT_LT(quantile(errors, 0.5), 0.18);
  EXPECT_LT(quantile(errors, 0.9), 0.32);
}

class H200Tables : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = data() + "/silicon/h200_sxm";
    if (!fs::exists(folder_)) GTEST_SKIP() << "TERRACE_DATA has no silicon/h200_sxm";
    kernels_ = table_kernels(shipped_kernels("h200-sxm"), shipped_gpu("h200-sxm"), folder_);
  }

  fs::path folder_;
  std::unique_ptr<const Kernels> kernels_;
};

TEST_F(H200Tables, LongProductsAreThoseMeasured) {
  // Weights that no L2 holds between two calls: what was measured is what a step sees.
  const auto law = fitted("h200-sxm");
  std::vector<double> errors;
  std::vector<double> of_law;
  std::set<std::string> shapes;
  for (const auto& row : rows_of(folder_ / "gemm.csv")) {
    const std::int64_t n = std::stoll(row[1]);
    const std::int64_t k = std::stoll(row[2]);
    if (row[0] != "bf16" || n * k < 200'000'000) continue;
    shapes.insert(row[1] + " " + row[2]);
    if (shapes.size() > 6) break;
    const Product product{Op::qkv_proj, n, k, 1};
    const std::int64_t m = std::stoll(row[3]);
    const double measured = std::stod(row[4]) * 1e-6;
    const Estimate time = kernels_->product(product, DType::bf16, m);
    EXPECT_FALSE(time.extrapolated) << n << ' ' << k << ' ' << m;
    errors.push_back(std::abs(seconds(time.time) / measured - 1));
    of_law.push_back(std::abs(seconds(law->product(product, DType::bf16, m).time) / measured - 1));
  }
  ASSERT_GT(errors.size(), 100U);
  std::cout << fmt::format("{} products: median {:.6f}, largest {:.6f}; the law's {:.4f}\n",
                           errors.size(), quantile(errors, 0.5), quantile(errors, 1),
                           quantile(of_law, 0.5));
  EXPECT_LT(quantile(errors, 1), 1e-3);  // times are kept to the picosecond
  EXPECT_GT(quantile(of_law, 0.5), 0.01);
}

TEST_F(H200Tables, LongDecodesAreThoseMeasured) {
  const auto law = fitted("h200-sxm")->attention(heads(32, 8, 128), DType::bf16);
  const auto table = kernels_->attention(heads(32, 8, 128), DType::bf16);
  std::vector<double> errors;
  std::vector<double> of_law;
  for (const auto& row : rows_of(folder_ / "attention_decode.csv")) {
    if (row[0] != "32" || row[1] != "8" || row[2] != "128" || row[3] != "bf16") continue;
    const std::int64_t batch = std::stoll(row[5]);
    const std::int64_t length = std::stoll(row[6]);
    if (batch * length * 8 * 128 * 4 < 200'000'000) continue;
    const AttentionBatch asked{batch, Tokens{batch * length}, Tokens{length}, {}};
    const double measured = std::stod(row[7]) * 1e-6;
    const Estimate time = table->time(asked);
    EXPECT_FALSE(time.extrapolated);
    errors.push_back(std::abs(seconds(time.time) / measured - 1));
    of_law.push_back(std::abs(seconds(law->time(asked).time) / measured - 1));
  }
  ASSERT_GT(errors.size(), 5U);
  std::cout << fmt::format("{} decodes: median {:.6f}, largest {:.6f}; the law's {:.4f}\n",
                           errors.size(), quantile(errors, 0.5), quantile(errors, 1),
                           quantile(of_law, 0.5));
  EXPECT_LT(quantile(errors, 1), 1e-3);
  EXPECT_GT(quantile(of_law, 0.5), 0.01);
}

TEST_F(H200Tables, AllReduceIsWhatWasMeasured) {
  int seen = 0;
  for (const auto& row : rows_of(folder_ / "allreduce.csv")) {
    if (row[0] != "graph") continue;
    const Estimate time = kernels_->collective(Collective::all_reduce, Bytes{std::stoll(row[3])},
                                               static_cast<int>(std::stol(row[1])));
    EXPECT_NEAR(seconds(time.time), std::stod(row[4]) * 1e-6, 1e-12);
    EXPECT_FALSE(time.extrapolated);
    ++seen;
  }
  EXPECT_GT(seen, 20);
  EXPECT_TRUE(
      kernels_->collective(Collective::all_reduce, Bytes{1'000'000'000'000}, 8).extrapolated);
}

TEST_F(H200Tables, BeyondMeasurementsIsSaid) {
  EXPECT_TRUE(
      kernels_->product({Op::qkv_proj, 6144, 4096, 1}, DType::bf16, 10'000'000).extrapolated);
  EXPECT_FALSE(kernels_->product({Op::qkv_proj, 6144, 4096, 1}, DType::bf16, 64).extrapolated);
  const auto law = kernels_->attention(heads(32, 8, 128), DType::bf16);
  EXPECT_TRUE(law->time({1, Tokens{100'000'000}, Tokens{100'000'000}, {}}).extrapolated);
  EXPECT_TRUE(law->time({100'000, Tokens{200'000'000}, Tokens{2000}, {}}).extrapolated);
  EXPECT_FALSE(law->time({16, Tokens{16 * 2048}, Tokens{2048}, {}}).extrapolated);
}

TEST_F(H200Tables, StepsStayNearThoseOfTheLaws) {
  const auto tables =
      make_step_model(shipped_model("llama-3.1-8b"), {},
                      table_kernels(shipped_kernels("h200-sxm"), shipped_gpu("h200-sxm"), folder_));
  const auto laws = make_step_model(shipped_model("llama-3.1-8b"), {}, fitted("h200-sxm"));
  const auto ratio_of = [&](const Batch& batch) {
    return seconds(tables->time(batch)) / seconds(laws->time(batch));
  };
  for (const std::int64_t n : {1, 7, 64, 300}) {
    EXPECT_NEAR(ratio_of(decoding(n, 1500)), 1, 0.15) << n;
  }
  const Prefill prompt(4096);
  EXPECT_NEAR(ratio_of(prompt.batch()), 1, 0.15);
}

}  // namespace
}  // namespace terrace
