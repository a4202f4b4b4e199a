// That fits find what made the points, say honestly how sure they are, and refuse to guess.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/fitting/calibration.hpp"
#include "calibrate/fitting/least_squares.hpp"
#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/config/diagnostics.hpp"
#include "tests/app/program.hpp"
#include "tests/calibrate/simple_forms.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::ContainsRegex;
using testing::gemm_csv;
using testing::GemmNorm;
using testing::GemmNormPoints;
using ::testing::HasSubstr;
using testing::kChip;
using testing::kH200Gemm;

const Adapter kAdapter = adapter_of<GemmNormPoints>();

/// A table, and what was made of it.
struct Fitted {
  PointTable table;
  Dataset data;
  Calibration result;
};

Fitted fit_of(const std::string& csv, const FitOptions& options = {},
              const Adapter& adapter = kAdapter) {
  const testing::Workplace place;
  place.write("points.csv", csv);
  Fitted all;
  all.table = read_points(place.at("points.csv").string(), adapter.family);
  all.data = prepare(all.table, adapter, kChip);
  all.result = calibrate(all.data, adapter, "points.csv", options);
  return all;
}

/// Independent log-normal noise.
auto noise(std::uint64_t seed, double size) {
  return [random = Random(seed, "noise"), size](int) mutable {
    return std::exp(normal(random, 0, size));
  };
}

/// The same luck for all of a group of eight points, as kernels have it.
auto group_noise(std::uint64_t seed, double size) {
  return [random = Random(seed, "noise"), size](int index) {
    Random one = random.fork(static_cast<std::uint64_t>(index) / 8);
    return std::exp(normal(one, 0, size));
  };
}

std::string refusal(const std::string& csv) {
  try {
    fit_of(csv);
  } catch (const config::ConfigError& e) {
    return e.what();
  }
  return "it was fitted";
}

/// Every third point is 40 % too long, and says, if it may, that it was anything from half to half
/// more.
std::string doubtful_json(bool says) {
  std::string text;
  int index = 0;
  for (const int n : {512, 2048, 8192}) {
    for (const int k : {512, 2048, 8192}) {
      for (const int m : {1, 16, 256, 4096}) {
        const bool doubtful = index++ % 3 == 0;
        const double us = 1e6 * (doubtful ? 1.4 : 1) *
                          GemmNorm::seconds(kH200Gemm, kChip,
                                            {static_cast<double>(m), static_cast<double>(n),
                                             static_cast<double>(k), 2});
        const double spread = doubtful ? 0.5 : 0.01;
        text += fmt::format(
            R"({}{{"family": "gemm", "x": {{"m": {}, "n": {}, "k": {}, "dtype": "bf16"}},
               "ok": true, "unit": "us", "median": {}{}}})",
            text.empty() ? "" : ",", m, n, k, us,
            says ? fmt::format(R"(, "p10": {}, "p90": {})", us * (1 - spread), us * (1 + spread))
                 : "");
      }
    }
  }
  return fmt::format(R"({{"points": [{}]}})", text);
}

double furthest_off(const std::string& json) {
  PointTable table;
  table.name = "points.json";
  read_json_points(table, json, "gemm");
  const Dataset data = prepare(table, kAdapter, kChip);
  const KernelFit fit = calibrate(data, kAdapter, table.name, {5, 20, 1}).fit;
  double most = 0;
  for (std::size_t j = 0; j < 3; ++j) {
    most = std::max(most, std::abs(fit.parameters[j].value / kH200Gemm[j] - 1));
  }
  return most;
}

TEST(Fitting, HeedsPointsAsFarAsTheyAreKnown) {
  EXPECT_DOUBLE_EQ(weight_of(0), 1);
  EXPECT_NEAR(weight_of(0.2563), 0.5, 1e-3);  // a standard deviation of 10 %
  const double blind = furthest_off(doubtful_json(false));
  EXPECT_GT(blind, 0.02);
  EXPECT_LT(furthest_off(doubtful_json(true)), blind / 3);
}

TEST(Fitting, FindsWhatMadeThePoints) {
  const Fitted exact = fit_of(gemm_csv(kH200Gemm, [](int) { return 1.0; }), {5, 20, 1});
  for (std::size_t j = 0; j < kH200Gemm.size(); ++j) {
    const FittedParameter& found = exact.result.fit.parameters[j];
    EXPECT_NEAR(found.value / kH200Gemm[j], 1, 2e-4) << GemmNorm::kParameters[j].name;
  }
  EXPECT_LT(exact.result.fit.errors[0].p90, 2e-4);
  EXPECT_TRUE(exact.result.notes.empty());
}

TEST(Fitting, NoiseMovesThemByTheirStandardErrors) {
  const Fitted noisy = fit_of(gemm_csv(kH200Gemm, noise(7, 0.05)));
  for (std::size_t j = 0; j < kH200Gemm.size(); ++j) {
    const FittedParameter& found = noisy.result.fit.parameters[j];
    EXPECT_NEAR(found.value, kH200Gemm[j], 3.5 * found.standard_error)
        << GemmNorm::kParameters[j].name;
    EXPECT_LT(found.low, found.value);
    EXPECT_GT(found.high, found.value);
    EXPECT_LT(found.high / found.low, 1.25) << GemmNorm::kParameters[j].name;
    EXPECT_NEAR(4 * found.standard_error, found.high - found.low, 0.4 * (found.high - found.low));
  }
  const RegimeError& all = noisy.result.fit.errors[0];
  EXPECT_EQ(all.regime, "all");
  EXPECT_EQ(all.points, 6 * 6 * 8);
  EXPECT_NEAR(all.median, 0.674 * 0.05, 0.006) << "the quartile of the noise";
  EXPECT_NEAR(all.p90, 1.645 * 0.05, 0.015);
  EXPECT_NEAR(all.bias, 0, 0.01);
}

// Points of a group err together; an interval that took them for independent would be too narrow.
TEST(FittingSlow, IntervalsHoldTheTruthAsOftenAsTheySay) {
  int held = 0;
  constexpr int kTables = 40;
  for (int table = 0; table < kTables; ++table) {
    const auto seed = static_cast<std::uint64_t>(table);
    const Fitted one = fit_of(gemm_csv(kH200Gemm, group_noise(seed, 0.08)), {2, 100, seed});
    for (std::size_t j = 0; j < 3; ++j) {
      const FittedParameter& found = one.result.fit.parameters[j];
      held += found.low <= kH200Gemm[j] && kH200Gemm[j] <= found.high ? 1 : 0;
    }
  }
  // 120 intervals, of which 95 % should: 114; four standard deviations below are 105, and the
  // bootstrap of 36 groups is known to be a little short.
  EXPECT_GE(held, 100);
}

TEST(Fitting, OutliersDoNotBendTheLaw) {
  Random random(3, "outliers");
  const Fitted one = fit_of(gemm_csv(kH200Gemm, [&](int index) {
    return std::exp(normal(random, 0, 0.02)) * (index % 20 == 7 ? 8.0 : 1.0);
  }));
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(one.result.fit.parameters[j].value / kH200Gemm[j], 1, 0.06)
        << GemmNorm::kParameters[j].name;
  }
  EXPECT_GT(one.result.fit.errors[0].max, 0.8) << "but they are told";
}

TEST(Fitting, UnseenGroupsAreFartherOff) {
  const Fitted one = fit_of(gemm_csv(kH200Gemm, group_noise(5, 0.1)));
  const RegimeError& all = one.result.fit.errors[0];
  ASSERT_TRUE(all.cv_median && all.cv_p90);
  EXPECT_GE(*all.cv_p90, all.p90);
  EXPECT_LT(*all.cv_p90, 2 * all.p90);
}

TEST(Fitting, TheSameInputGivesTheSameBits) {
  const std::string csv = gemm_csv(kH200Gemm, noise(9, 0.1));
  FitOptions options;
  options.bootstrap = 30;
  options.seed = 4;
  const Fitted a = fit_of(csv, options);
  const Fitted b = fit_of(csv, options);
  const Fitted other = fit_of(csv, [&] {
    FitOptions changed = options;
    changed.seed = 5;
    return changed;
  }());
  bool differs = false;
  for (std::size_t j = 0; j < kH200Gemm.size(); ++j) {
    const FittedParameter& x = a.result.fit.parameters[j];
    const FittedParameter& y = b.result.fit.parameters[j];
    const FittedParameter& z = other.result.fit.parameters[j];
    EXPECT_EQ(x.value, y.value);
    EXPECT_EQ(x.low, y.low);
    EXPECT_EQ(x.high, y.high);
    EXPECT_NEAR(x.value / z.value, 1, 1e-3) << "starts hardly matter";
    differs = differs || x.low != z.low;
  }
  EXPECT_TRUE(differs) << "draws do";
}

TEST(Fitting, OneRegimeIsNotEnough) {
  // With one row each, operations and bytes are the same but for a factor.
  EXPECT_THAT(refusal(gemm_csv(kH200Gemm, noise(1, 0.02), 1)),
              ContainsRegex("^points.csv: error: .*'(bandwidth|flop_rate)'.*measure"));
  // With many, nothing waits for memory.
  std::string csv = "dtype,n,k,m,latency_us\n";
  Random random(2, "noise");
  for (int i = 0; i < 40; ++i) {
    const double m = 16384 + 512 * i;
    const double t = GemmNorm::seconds(kH200Gemm, kChip, {m, 16384, 16384, 2});
    csv += "bf16,16384,16384," + std::to_string(std::lround(m)) + "," +
           std::to_string(t * 1e6 * std::exp(normal(random, 0, 0.01))) + "\n";
  }
  EXPECT_THAT(refusal(csv), ContainsRegex("error: .*'(bandwidth|t0)'.*measure over a wider range"));
}

TEST(Fitting, OneShapeIsNotEnough) {
  std::string csv = "dtype,n,k,m,latency_us\n";
  for (int i = 0; i < 20; ++i) csv += "bf16,4096,4096,512," + std::to_string(30 + 0.01 * i) + "\n";
  EXPECT_THAT(refusal(csv), HasSubstr("error: "));
}

TEST(Fitting, TooFewPointsAreRefused) {
  EXPECT_THAT(refusal("dtype,n,k,m,latency_us\nbf16,512,512,1,5\nbf16,512,512,64,5.2\n"),
              HasSubstr("2 points for the 4 parameters of 'gemm-norm': it takes 12 at least"));
}

TEST(Fitting, OneGroupHasNoCrossValidation) {
  const Fitted one = fit_of(gemm_csv(kH200Gemm, noise(1, 0.01), 16777216, 4096, 4096), {5, 50, 1});
  EXPECT_FALSE(one.result.fit.errors[0].cv_median);
  EXPECT_THAT(one.result.notes,
              ::testing::Contains(HasSubstr("one group only: no cross-validation")));
}

/// The published tables of an H200, if the machine has them.
class PublishedTables : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("TERRACE_DATA");
    if (data == nullptr) GTEST_SKIP() << "set TERRACE_DATA to the folder of measured data";
    folder_ = std::filesystem::path(data) / "silicon" / "h200_sxm";
  }

  [[nodiscard]] Fitted fit(const char* file, const char* where, const Adapter& adapter) const {
    Fitted all;
    all.table = read_points((folder_ / file).string(), adapter.family);
    keep_where(all.table, where);
    all.data = prepare(all.table, adapter, kChip);
    all.result = calibrate(all.data, adapter, file, {5, 20, 1});
    return all;
  }

 private:
  std::filesystem::path folder_;
};

// The constants of independent fits (linear least squares with trimming; Levenberg-Marquardt) of
// the full tables, of which these are samples: 17.7 us, 4566 GB/s, 18.4 us; 797 TFLOP/s, 4054 GB/s,
// 4.1 us, 2.63. Other losses and other points agree to some per cent.
TEST_F(PublishedTables, SlowDecodeAttentionOfAnH200) {
  const Fitted one = fit("attention_decode.csv", "dtype=bf16,head_dim=128",
                         adapter_of<testing::DecodeLinePoints>());
  const auto& found = one.result.fit.parameters;
  EXPECT_NEAR(found[1].value, 4566e9, 0.03 * 4566e9);
  EXPECT_NEAR(found[0].value, 17.7e-6, 2.5e-6);
  EXPECT_NEAR(found[2].value, 18.4e-6, 3e-6);
  EXPECT_LT(one.result.fit.errors[0].mape, 0.06);
}

TEST_F(PublishedTables, SlowGemmOfAnH200) {
  const Fitted one = fit("gemm.csv", "dtype=bf16", kAdapter);
  const auto& found = one.result.fit.parameters;
  EXPECT_NEAR(found[0].value, 4.1e-6, 1e-6);
  EXPECT_NEAR(found[1].value, 4054e9, 0.06 * 4054e9);
  EXPECT_NEAR(found[2].value, 797e12, 0.03 * 797e12);
  EXPECT_LT(one.result.fit.errors[0].wape, 0.1);
}

}  // namespace
}  // namespace terrace::calibrate
