// `terrace calibrate fit` as a user meets it.

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/reader.hpp"
#include "sim/cost/forms/cpu.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "tests/app/program.hpp"
#include "tests/calibrate/simple_forms.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using testing::Workplace;

/// What a GPU with the start values of the form would measure, off by 2 % up and down.
std::string table(DType dtype = DType::bf16, double slower = 1) {
  std::vector<double> truth;
  for (const forms::Parameter& parameter : forms::Gemm::kParameters) {
    truth.push_back(parameter.start);
  }
  std::string csv = "dtype,n,k,m,latency_us\n";
  int index = 0;
  for (const int n : {512, 1280, 4096, 7168, 16384}) {
    for (const int k : {512, 1536, 4096, 16384}) {
      for (const int m : {1, 16, 64, 128, 192, 512, 2048, 3072, 8192}) {
        const double t = forms::Gemm::seconds(truth, testing::kChip, {m, n, k, dtype, 6});
        csv += fmt::format("{},{},{},{},{:.5g}\n", config::Scalar<DType>::format(dtype), n, k, m,
                           t * 1e6 * slower * (index++ % 2 == 0 ? 1.02 : 0.98));
      }
    }
  }
  return csv;
}

/// Collectives of two GPUs: 10 us, and 100 GB/s.
std::string bytes_table() {
  std::string csv = "num_gpus,bytes,latency_us\n";
  for (int k = 8; k < 30; ++k) csv += fmt::format("2,{},{}\n", 1 << k, 10 + (1 << k) / 1e5);
  return csv;
}

const std::string kFit = "calibrate fit --form gemm --gpu h200-sxm --bootstrap 20 --points ";

TEST(CalibrateFit, PointsOfAProcessorAreColdUnlessTheySayOtherwise) {
  const Workplace place;
  const std::vector<double> truth = {3e-6, 2e14, 2e12};  // as fast as what --gpu names
  std::string head = "dtype,n,k,m,latency_us";
  std::string silent = head + "\n";
  std::string telling = head + ",l2\n";
  for (const int n : {256, 1024, 4096}) {
    for (const int k : {512, 2048}) {
      for (const int m : {1, 4, 16, 64, 256, 1024}) {
        const double us =
            1e6 * forms::CpuGemm::seconds(truth, testing::kChip, {.m = m, .n = n, .k = k});
        const std::string row = fmt::format("bf16,{},{},{},{:.6g}", n, k, m, us);
        silent += row + "\n";
        telling += row + (m > 1 && m < 256 ? ",hot\n" : ",cold\n");
      }
    }
  }
  place.write("silent.csv", silent);
  place.write("telling.csv", telling);
  const std::string fit = "calibrate fit --form cpu_gemm --gpu h200-sxm --bootstrap 20 --points ";
  const Outcome all = place.terrace(fit + "silent.csv");
  EXPECT_THAT(all.out, HasSubstr("36 of silent.csv")) << all.err;
  const Outcome cold = place.terrace(fit + "telling.csv");
  EXPECT_THAT(cold.out, HasSubstr("18 of telling.csv")) << cold.err;
  EXPECT_THAT(cold.out, HasSubstr("18: operands in a cache")) << cold.out;
}

TEST(CalibrateFit, WritesAProfileThatTheSimulatorReads) {
  const Workplace place;
  place.write("gemm.csv", table());
  const Outcome fitted =
      place.terrace(kFit + "gemm.csv --out p.yaml --source here", {"--engine", "vLLM 0.24.0"});
  ASSERT_EQ(fitted.status, 0) << fitted.err;
  EXPECT_THAT(fitted.err, IsEmpty());
  EXPECT_THAT(fitted.out, AllOf(HasSubstr("gemm on h200-sxm: bf16, vLLM 0.24.0\n"),
                                HasSubstr("180 of gemm.csv in 20 groups by n, k"),
                                HasSubstr("\nall "), HasSubstr("p.yaml: added\n")));
  const auto profile = config::read_file<KernelProfile>(place.at("p.yaml").string());
  ASSERT_EQ(profile.fits.size(), 1U);
  EXPECT_EQ(profile.gpu, "H200 SXM");
  EXPECT_EQ(profile.fits[0].points, 180);
  EXPECT_EQ(profile.fits[0].engine, "vLLM 0.24.0");
  EXPECT_EQ(profile.fits[0].source, "here");
  EXPECT_LT(profile.fits[0].errors.at(0).median, 0.1);
}

TEST(CalibrateFit, TheSameBytesTwice) {
  const Workplace place;
  place.write("gemm.csv", table());
  const Outcome a = place.terrace(kFit + "gemm.csv --out a.yaml --keep-points");
  const Outcome b = place.terrace(kFit + "gemm.csv --out b.yaml --keep-points");
  EXPECT_EQ(a.status, 0) << a.err;
  EXPECT_EQ(testing::read_file(place.at("a.yaml")), testing::read_file(place.at("b.yaml")));
  const std::string points = testing::read_file(place.at("a.gemm-bf16.points.csv"));
  EXPECT_EQ(points, testing::read_file(place.at("b.gemm-bf16.points.csv")));
  EXPECT_THAT(points, HasSubstr("dtype,n,k,m,latency_us,regime,predicted_us\nbf16,512,512,1,"));
}

TEST(CalibrateFit, ReplacesItsKindAndKeepsTheRest) {
  const Workplace place;
  place.write("gemm.csv", table());
  place.write("fp16.csv", table(DType::fp16));
  EXPECT_EQ(place.terrace(kFit + "fp16.csv --out p.yaml").status, 0);
  EXPECT_THAT(place.terrace(kFit + "gemm.csv --out p.yaml").out, HasSubstr("p.yaml: added"));
  const std::string both = testing::read_file(place.at("p.yaml"));
  place.write("gemm.csv", table(DType::bf16, 1.1));
  EXPECT_THAT(place.terrace(kFit + "gemm.csv --out p.yaml").out, HasSubstr("replaced"));
  const auto profile = config::read_file<KernelProfile>(place.at("p.yaml").string());
  ASSERT_EQ(profile.fits.size(), 2U);
  EXPECT_EQ(profile.fits[0].dtype, DType::bf16);
  EXPECT_EQ(profile.fits[1].dtype, DType::fp16);
  const std::string now = testing::read_file(place.at("p.yaml"));
  EXPECT_NE(now, both);
  EXPECT_EQ(now.substr(now.find("dtype: fp16")), both.substr(both.find("dtype: fp16")));
  EXPECT_THAT(
      place.terrace("calibrate fit --form gemm --gpu h100-sxm --points gemm.csv --out p.yaml").err,
      HasSubstr("a profile of 'H200 SXM', not of 'H100 SXM'"));
  EXPECT_EQ(testing::read_file(place.at("p.yaml")), now) << "nothing was lost";
}

TEST(CalibrateFit, CalibrationsAtTheSameTimeKeepEachOthersFits) {
  const Workplace place;
  constexpr std::array kForms = {"all_reduce", "all_gather", "reduce_scatter"};
  place.write("bytes.csv", bytes_table());
  std::vector<pid_t> running;
  for (const std::string form : kForms) {
    running.push_back(place.start(
        TERRACE_PROGRAM, {"calibrate", "fit", "--form", form, "--gpu", "h200-sxm", "--bootstrap",
                          "20", "--points", "bytes.csv", "--out", "p.yaml"}));
  }
  for (const pid_t one : running) {
    const Outcome outcome = place.finish(one);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
  EXPECT_EQ(config::read_file<KernelProfile>(place.at("p.yaml").string()).fits.size(), 3U);
}

TEST(CalibrateFit, MistakesSayWhatToDo) {
  const Workplace place;
  place.write("gemm.csv", table());
  place.write("bytes.csv", bytes_table());
  place.write("bad.csv", "dtype,n,k,m,latency_us\nbf16,1,1,1,fast\n");
  const auto said = [&](const std::string& line, int status) {
    const Outcome outcome = place.terrace(line);
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.out, IsEmpty());
    return outcome.err;
  };
  EXPECT_THAT(said("calibrate", 2), HasSubstr("--out NAME says where"));
  EXPECT_THAT(said("calibrate fti", 2), HasSubstr("did you mean 'fit'?"));
  EXPECT_THAT(said("calibrate fit", 2), HasSubstr("--points is missing"));
  EXPECT_THAT(said(kFit + "gemm.csv --flods 3", 2), HasSubstr("did you mean '--folds'?"));
  EXPECT_THAT(said(kFit + "gemm.csv --folds 1", 2), HasSubstr("--folds takes a number from 2"));
  EXPECT_THAT(said(kFit + "gemm.csv --keep-points", 2), HasSubstr("--out"));
  EXPECT_THAT(said(kFit + "gemm.txt", 2), HasSubstr("gemm.txt"));
  EXPECT_THAT(said(kFit + "none.csv", 3), HasSubstr("none.csv"));
  EXPECT_THAT(said(kFit + "bad.csv", 3), HasSubstr("bad.csv:2:12: error: "));
  EXPECT_THAT(said("calibrate fit --form gem --gpu h200-sxm --points gemm.csv", 2),
              HasSubstr("did you mean 'gemm'?"));
  EXPECT_THAT(said("calibrate fit --form gemm --gpu h200-smx --points gemm.csv", 2),
              HasSubstr("did you mean 'h200-sxm'?"));
  const std::string gather = "calibrate fit --form all_gather --gpu h200-sxm --points bytes.csv ";
  EXPECT_THAT(said(gather + "--hold latency=1us,latency=2us", 2), HasSubstr("twice"));
  EXPECT_THAT(said(gather + "--hold latency=1us,bandwidth=1GB/s,piece=1B", 2),
              HasSubstr("no parameter is left to fit"));
  EXPECT_EQ(place.terrace(kFit + "gemm.csv --out /nowhere/p.yaml").status, 1);
}

TEST(CalibrateFit, Helps) {
  const Workplace place;
  const Outcome all = place.terrace("calibrate --help");
  EXPECT_EQ(all.status, 0);
  EXPECT_THAT(all.out, AllOf(HasSubstr("terrace calibrate fit"), HasSubstr("exit status")));
  const Outcome fit = place.terrace("calibrate fit --help");
  EXPECT_EQ(fit.status, 0);
  EXPECT_THAT(fit.out, AllOf(HasSubstr("usage: terrace calibrate fit [options]"),
                             HasSubstr("--points FILE")));
  EXPECT_THAT(place.terrace("help calibrate").out, HasSubstr("terrace-calibrate"));
  EXPECT_THAT(place.terrace("help").out, HasSubstr("calibrate [VERB]"));
}

}  // namespace
}  // namespace terrace
