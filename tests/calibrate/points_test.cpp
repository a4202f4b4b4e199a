// What the fitter reads, and everything it refuses to read.

#include "calibrate/fitting/points.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/fitting/dataset.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/config/diagnostics.hpp"
#include "tests/app/program.hpp"
#include "tests/calibrate/simple_forms.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::AllOf;
using testing::DecodeLinePoints;
using testing::gemm_csv;
using testing::GemmNormPoints;
using ::testing::HasSubstr;
using testing::kChip;
using testing::kH200Gemm;
using ::testing::Not;

GpuSpec h200() {
  GpuSpec gpu;
  gpu.name = "H200 SXM";
  gpu.sms = 132;
  gpu.l2 = Bytes{50'000'000};
  gpu.memory_bandwidth = Bandwidth{4.8e12};
  gpu.bf16 = FlopRate{989.4e12};
  gpu.fp8 = FlopRate{1978.9e12};
  return gpu;
}

PointTable table_of(const std::string& text, const std::string& name = "points.csv",
                    const Adapter& adapter = adapter_of<GemmNormPoints>()) {
  const testing::Workplace place;
  place.write(name, text);
  return read_points(place.at(name).string(), adapter.family);
}

/// What is wrong with the table.
std::string refusal(const std::string& text, const std::string& name = "points.csv",
                    const Adapter& adapter = adapter_of<GemmNormPoints>()) {
  try {
    const PointTable table = table_of(text, name, adapter);
    check_units(prepare(table, adapter, kChip), h200());
  } catch (const config::ConfigError& e) {
    return e.what();
  }
  return "nothing";
}

double as_is(int) { return 1; }

/// A good table with `line` as its second.
std::string with(const std::string& line) {
  const std::string csv = gemm_csv(kH200Gemm, as_is);
  const std::size_t head = csv.find('\n') + 1;
  return csv.substr(0, head) + line + "\n" + csv.substr(head);
}

TEST(Points, GoodTablesPass) {
  EXPECT_EQ(refusal(gemm_csv(kH200Gemm, as_is)), "nothing");
  EXPECT_EQ(refusal(with("\"bf16\", 768 ,768,1,5.5\r")), "nothing");
}

TEST(Points, BadTimesAreRefusedWithTheirPlace) {
  EXPECT_THAT(refusal(with("bf16,768,768,1,nan")),
              AllOf(HasSubstr("points.csv:2:16: error: a time that is 'nan'")));
  EXPECT_THAT(refusal(with("bf16,768,768,1,-inf")), HasSubstr("a time that is '-inf'"));
  EXPECT_THAT(refusal(with("bf16,768,768,1,0")), HasSubstr("a time of 0"));
  EXPECT_THAT(refusal(with("bf16,768,768,1,-3")), HasSubstr("a time of -3"));
  EXPECT_THAT(refusal(with("bf16,768,768,1,")), HasSubstr("'' is not a plain number"));
  EXPECT_THAT(refusal(with("bf16,768,768,1,1e999")), HasSubstr("not a plain number"));
  EXPECT_THAT(refusal(with("bf16,768,768,1,5us")), HasSubstr("'5us' is not a plain number"));
}

TEST(Points, BadShapesAreRefusedWithTheirPlace) {
  EXPECT_THAT(refusal(with("bf16,768,many,1,5")), HasSubstr("points.csv:2:10: error: k: 'many'"));
  EXPECT_THAT(refusal(with("bf16,768,768,0,5")), HasSubstr("m: '0' is not a whole number from 1"));
  EXPECT_THAT(refusal(with("bf16,768,7.5,1,5")), HasSubstr("k: '7.5' is not a whole number"));
  EXPECT_THAT(refusal(with("bf16,768,768,5")), HasSubstr("4 fields where the header has 5"));
  EXPECT_THAT(refusal(with("bf16,x,y,1,5")), AllOf(HasSubstr("n: 'x'"), HasSubstr("k: 'y'")))
      << "all at once";
}

TEST(Points, MissingColumnsNameTheNearest) {
  EXPECT_THAT(refusal("dtyp,n,k,m,latency_us\nbf16,1,1,1,5\n"),
              HasSubstr("no column 'dtype'; is it 'dtyp'?"));
  EXPECT_THAT(refusal("dtype,n,k,m,latency\nbf16,1,1,1,5\n"),
              AllOf(HasSubstr("no column 'latency_us'"), HasSubstr("is it 'latency'?")));
  EXPECT_THAT(refusal("dtype,n,k,m,latency_hours\nbf16,1,1,1,5\n"), HasSubstr("no time"));
  EXPECT_THAT(refusal("dtype,n,n,m,latency_us\nbf16,1,1,1,5\n"), HasSubstr("a second column 'n'"));
  EXPECT_THAT(refusal(""), HasSubstr("an empty file"));
  EXPECT_THAT(refusal("dtype,n,k,m,latency_us\n"), HasSubstr("no points"));
}

TEST(Points, ContradictionsAreRefusedButNotRepetitions) {
  EXPECT_EQ(refusal(with("bf16,768,768,1,5.0\nbf16,768,768,1,5.4")), "nothing");
  EXPECT_THAT(refusal(with("bf16,768,768,1,5.0\nbf16,768,768,1,9.9")),
              AllOf(HasSubstr("points.csv:3:16: error: the same call took 5.0 there and 9.9 here"),
                    HasSubstr("points.csv:2:16")));
}

TEST(Points, AnotherUnitIsNoticed) {
  const auto times = [](double factor) { return [factor](int) { return factor; }; };
  EXPECT_THAT(refusal(gemm_csv(kH200Gemm, times(1e-3))),
              AllOf(HasSubstr("faster than an H200 SXM can be"), HasSubstr("ms given as us")));
  EXPECT_THAT(refusal(gemm_csv(kH200Gemm, times(1e3))),
              AllOf(HasSubstr("slower than the datasheet"), HasSubstr("ns given as us")));
  EXPECT_THAT(refusal(gemm_csv(kH200Gemm, times(1e-3), 1, 512, 4096)), HasSubstr("ms given as us"))
      << "also where every call is a launch";
  EXPECT_THAT(refusal(gemm_csv(kH200Gemm, times(1e3), 1, 512, 4096)), HasSubstr("ns given as us"));
  EXPECT_THAT(refusal(gemm_csv(kH200Gemm, times(0.7))), HasSubstr("is it the right GPU"));
}

TEST(Points, ColumnsMayHoldOtherUnits) {
  const PointTable ms = table_of("dtype,n,k,m,latency_ms\nbf16,1,1,1,5\n");
  EXPECT_DOUBLE_EQ(ms.points.at(0).seconds, 5e-3);
}

TEST(Points, WhereKeepsAPart) {
  PointTable table = table_of("kv_dtype,n,latency_us\nbf16,1,5\nfp8,1,5\nbf16,2,5\n");
  keep_where(table, "dtype=bf16, n=2");
  EXPECT_EQ(table.points.size(), 1U);
  const auto complaint = [&](const char* where) -> std::string {
    PointTable all = table_of("kv_dtype,n,latency_us\nbf16,1,5\nfp8,1,5\n");
    try {
      keep_where(all, where);
    } catch (const app::UsageError& e) {
      return e.what();
    }
    return "nothing";
  };
  EXPECT_THAT(complaint("dtipe=bf16"), HasSubstr("did you mean 'dtype'?"));
  EXPECT_THAT(complaint("dtype=fp4"), HasSubstr("there are bf16, fp8"));
  EXPECT_THAT(complaint("dtype"), HasSubstr("NAME=VALUE"));
  EXPECT_EQ(complaint("kv_dtype=fp8"), "nothing") << "as the file calls it";
}

TEST(Points, SeveralDataTypesNeedSeveralFits) {
  EXPECT_THAT(refusal(with("fp8,768,768,1,5.0")), HasSubstr("--where 'dtype=bf16'"));
  EXPECT_THAT(refusal("dtype,n,k,m,latency_us\nfp6,1,1,1,5\n"), HasSubstr("no dtype 'fp6'"));
}

constexpr const char* kCalibration = R"({"schema": "terrace-calib/1", "points": [
 {"id": "a", "family": "decode_attention", "l2": "cold", "unit": "us", "median": 135.5, "ok": true,
  "x": {"b": 32, "kv": 4096, "nh": 32, "nkv": 8, "hd": 128, "kv_dtype": "bf16"}},
 {"id": "b", "family": "decode_attention", "l2": "cold", "unit": "ms", "median": 0.25, "ok": true,
  "x": {"b": 64, "kv": 4096, "nh": 32, "nkv": 8, "hd": 128, "kv_dtype": "bf16", "page": 16}},
 {"id": "c", "family": "decode_attention", "unit": "us", "median": null, "ok": false,
  "x": {"b": 32, "kv": 8192, "nh": 32, "nkv": 8, "hd": 128, "kv_dtype": "bf16"}},
 {"id": "d", "family": "gemm", "unit": "us", "median": 1, "x": {"m": 1}}]})";

TEST(Points, CalibrationsAreRead) {
  const Adapter decode = adapter_of<DecodeLinePoints>();
  const PointTable table = table_of(kCalibration, "points.json", decode);
  ASSERT_EQ(table.points.size(), 3U) << "of this family";
  EXPECT_DOUBLE_EQ(table.points[0].seconds, 135.5e-6);
  EXPECT_DOUBLE_EQ(table.points[1].seconds, 0.25e-3);
  EXPECT_FALSE(table.points[2].ok);
  const Row row(table, table.points[1]);
  EXPECT_EQ(row.number("batch"), 64);
  EXPECT_EQ(row.number("kv_len"), 4096);
  EXPECT_EQ(row.text("l2"), "cold");
  EXPECT_EQ(row.text("page"), "16");
  EXPECT_EQ(row.element_bytes(), 2);
}

TEST(Points, BadCalibrationsAreRefused) {
  const Adapter decode = adapter_of<DecodeLinePoints>();
  const auto said = [&](const std::string& from, const std::string& to) {
    std::string text = kCalibration;
    text.replace(text.find(from), from.size(), to);
    return refusal(text, "points.json", decode);
  };
  EXPECT_THAT(said("135.5", "\"fast\""), HasSubstr("points.json:2:"));
  EXPECT_THAT(said("135.5", "NaN"), HasSubstr("a time that is 'NaN'"));
  EXPECT_THAT(said("\"us\"", "\"days\""), HasSubstr("'days' is no unit of time"));
  EXPECT_THAT(said("\"median\": 135.5, ", ""), HasSubstr("a point needs a plain value 'median'"));
  EXPECT_THAT(said("\"points\"", "\"dots\""), HasSubstr("no list 'points'"));
  EXPECT_THAT(said("\"b\": 32", "\"b\": \"all\""), HasSubstr("batch: 'all'"));
  EXPECT_THAT(refusal(kCalibration, "points.json", adapter_of<GemmNormPoints>()),
              HasSubstr("no column 'dtype'"));
}

TEST(Points, LeftOutPointsAreCounted) {
  std::string csv =
      "num_heads,num_kv_heads,head_dim,kv_dtype,batch,kv_len,latency_us\n"
      "32,8,128,bf16,1,128,11\n";
  for (int batch = 8; batch < 40; ++batch) {
    csv += "32,8,128,bf16," + std::to_string(batch) + ",8192," + std::to_string(20 + 7.5 * batch) +
           "\n";
  }
  const Adapter decode = adapter_of<DecodeLinePoints>();
  const PointTable table = table_of(csv, "points.csv", decode);
  const Dataset data = prepare(table, decode, kChip);
  EXPECT_EQ(data.measured.size(), 32U);
  EXPECT_EQ(data.left_out.at("KV within 1.3 times L2"), 1);
  EXPECT_EQ(data.only, 128);
  EXPECT_EQ(data.groups, 1U);
}

}  // namespace
}  // namespace terrace::calibrate
