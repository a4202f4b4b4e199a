// `terrace calibrate tables` as a user meets it.

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/cost/forms/gemm.hpp"
#include "tests/app/program.hpp"
#include "tests/cost/forms/form_parameters.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Outcome;
using testing::Workplace;

/// What a GPU with the start values of the form would measure, but for large n, where it takes a
/// fifth more.
std::string table() {
  const std::vector<double> truth = forms::start_values<forms::Gemm>();
  std::string csv = "dtype,n,k,m,latency_us\n";
  for (const int n : {512, 1280, 4096, 7168, 16384}) {
    for (const int k : {512, 1536, 4096, 16384}) {
      for (const int m : {1, 16, 64, 128, 192, 512, 2048, 3072, 8192}) {
        const double t = forms::Gemm::seconds(truth, forms::kH200, {m, n, k, DType::bf16, 6});
        csv += fmt::format("bf16,{},{},{},{:.5g}\n", n, k, m, t * 1e6 * (n < 16384 ? 1 : 1.2));
      }
    }
  }
  return csv;
}

TEST(CalibrateTables, SaysWhatTheTableAddsToTheLaw) {
  const Workplace place;
  place.write("gemm.csv", table());
  ASSERT_EQ(place
                .terrace("calibrate fit --form gemm --gpu h200-sxm --bootstrap 20 "
                         "--points gemm.csv --out p.yaml")
                .status,
            0);
  const Outcome shown =
      place.terrace("calibrate tables --tables . --gpu h200-sxm --kernels p.yaml");
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.err, IsEmpty());
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("the laws of p.yaml"),
                    ContainsRegex("gemm bf16 +all +180( +[0-9.]+ / +[0-9.]+){4}"),
                    ContainsRegex("n or k < 1024 +72 "), ContainsRegex("n, k >= 1024 +108 ")));
}

TEST(CalibrateTables, RefusesWhatDoesNotBelongTogether) {
  const Workplace place;
  place.write("gemm.csv", table());
  place.write("p.yaml",
              "gpu: H200 SXM\nmemory_bandwidth: 4800 GB/s\nbf16: 989.4 TFLOP/s\nfits: []\n");
  EXPECT_THAT(place.terrace("calibrate tables --gpu h200-sxm --kernels p.yaml").err,
              HasSubstr("--tables is missing"));
  EXPECT_THAT(place.terrace("calibrate tables --tables . --gpu h200sxm --kernels p.yaml").err,
              HasSubstr("--gpu: no 'h200sxm'; did you mean 'h200-sxm'?"));
  EXPECT_THAT(place.terrace("calibrate tables --tables . --gpu h100-sxm --kernels p.yaml").err,
              HasSubstr("p.yaml is a profile of 'H200 SXM', not of 'H100 SXM'"));
  EXPECT_THAT(
      place.terrace("calibrate tables --tables nowhere --gpu h200-sxm --kernels p.yaml").err,
      HasSubstr("nowhere: error: no kernel tables there"));
}

}  // namespace
}  // namespace terrace
