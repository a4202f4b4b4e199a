// Two measurings side by side, and one beside a table.

#include "calibrate/profile/comparison.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.hpp"
#include "tests/calibrate/profile/synthetic_run.hpp"

namespace terrace::calibrate {
namespace {

using terrace::testing::full_run;
using terrace::testing::Processor;
using terrace::testing::RunMaker;
using terrace::testing::Workplace;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});

Comparison compared(const MeasuredRun& a, const MeasuredRun& b) {
  const MachineProfile first = machine_profile(a, kCatalogue);
  const MachineProfile second = machine_profile(b, kCatalogue);
  return compare({a, first}, {b, second});
}

Comparison beside_table(const MeasuredRun& run, const std::string& csv, bool table_is_a = false) {
  const Workplace place;
  place.write("table.csv", csv);
  const PointTable table = read_points(place.at("table.csv").string(), "");
  const MachineProfile profile = machine_profile(run, kCatalogue);
  return compare({run, profile}, table, table_is_a);
}

const RegimeRatio& all_of(const Comparison& comparison, const std::string& family) {
  const auto found = std::find_if(comparison.ratios.begin(), comparison.ratios.end(),
                                  [&](const RegimeRatio& one) { return one.family == family; });
  EXPECT_NE(found, comparison.ratios.end()) << family;
  return *found;
}

TEST(Comparison, OfARunWithItselfFindsNothing) {
  const MeasuredRun run = full_run();
  const Comparison comparison = compared(run, run);
  EXPECT_EQ(comparison.pairs.size(), run.points.size());
  for (const RegimeRatio& one : comparison.ratios) {
    EXPECT_EQ(one.p10, 1);
    EXPECT_EQ(one.p90, 1);
  }
  EXPECT_THAT(comparison.only_a, IsEmpty());
  EXPECT_THAT(comparison.only_b, IsEmpty());
  EXPECT_THAT(comparison.environment, IsEmpty());
  EXPECT_TRUE(comparison.gaps.empty());
}

TEST(Comparison, TellsHowMuchSlowerAndInWhichLaw) {
  Processor fast;
  fast.noise = 0.03;
  Processor slow = fast;
  slow.product_rate /= 4;
  MeasuredRun a = full_run(fast);
  MeasuredRun b = full_run(slow);
  b.host["cores"] = 2;
  b.host["governor"] = "powersave";
  for (MeasuredRun* run :
       {&a, &b}) {  // too few decodes for a law of their own: both keep rooflines
    int decodes = 0;
    std::erase_if(run->points, [&](const MeasuredPoint& point) {
      return point.family == "decode_attention" && ++decodes > 10;
    });
  }
  a.points.erase(a.points.begin());
  b.points.pop_back();
  const Comparison comparison = compared(a, b);
  // A product of many tokens is bound by the rate, one of one token by the bandwidth.
  const auto large = std::find_if(comparison.ratios.begin(), comparison.ratios.end(),
                                  [](const auto& one) { return one.regime == "m >= 512"; });
  ASSERT_NE(large, comparison.ratios.end());
  EXPECT_NEAR(large->median, 4, 0.05);
  EXPECT_NEAR(all_of(comparison, "gemm").p10, 1, 0.01);
  EXPECT_EQ(all_of(comparison, "decode_attention").median, 1);
  EXPECT_EQ(comparison.only_a.size(), 1U);
  EXPECT_EQ(comparison.only_b.size(), 1U);
  ASSERT_EQ(comparison.environment.size(), 2U);
  EXPECT_EQ(comparison.environment[0].key, "cores");
  EXPECT_EQ(comparison.environment[1].a, "");
  ASSERT_EQ(comparison.gaps.size(), 1U);
  EXPECT_EQ(comparison.gaps[0].law, "gemm: roofline");
  EXPECT_EQ(comparison.gaps[0].a.name, "rate");
}

TEST(Comparison, CountsRatesTheOtherWayRound) {
  const MeasuredRun a = full_run();
  MeasuredRun b = a;
  for (MeasuredPoint& point : b.points) {
    if (point.unit == "GB/s") point.sample.median *= 2;
  }
  EXPECT_EQ(all_of(compared(a, b), "ssd").median, 0.5);
}

TEST(Comparison, FindsShapesInATableAndBetweenItsPoints) {
  const MeasuredRun run = RunMaker({}).memory().gemm().run();
  const auto time = [&](const std::string& id) {
    for (const MeasuredPoint& point : run.points) {
      if (point.id == id) return point.sample.median;
    }
    return 0.0;
  };
  // Of n 4096 and k 2048: m 1 as measured, 2 and 8 so that 4 lies between them, 256 alone beyond
  // the four times up to which is interpolated.
  const Comparison comparison = beside_table(
      run, fmt::format("m,n,k,dtype,latency_us\n1,4096,2048,bf16,{}\n2,4096,2048,bf16,100\n"
                       "8,4096,2048,bf16,400\n256,4096,2048,bf16,1000\n1,4096,2048,fp8,7\n",
                       2 * time("gemm/bf16/m1/n4096/k2048/cold")));
  ASSERT_EQ(comparison.pairs.size(), 3U);
  EXPECT_EQ(comparison.pairs[0].slower, 2);
  EXPECT_FALSE(comparison.pairs[0].interpolated);
  EXPECT_EQ(comparison.pairs[1].id, "gemm/bf16/m4/n4096/k2048/cold");
  EXPECT_TRUE(comparison.pairs[1].interpolated);
  EXPECT_NEAR(comparison.pairs[1].b, 200, 1e-9);  // half way in both logarithms
  EXPECT_EQ(comparison.pairs[2].id, "gemm/bf16/m256/n4096/k2048/cold");
  EXPECT_EQ(all_of(comparison, "gemm").interpolated, 1);
  EXPECT_THAT(comparison.only_a, Contains("gemm/bf16/m16/n4096/k2048/cold"));
}

TEST(Comparison, PutsNoHotPointBesideATable) {
  MeasuredRun run = RunMaker({}).memory().gemm().run();
  MeasuredPoint hot = run.points.back();
  hot.id += "/hot";
  hot.cache = "hot";
  run.points.push_back(hot);
  const Comparison comparison =
      beside_table(run, "m,n,k,dtype,latency_us\n1024,4096,2048,bf16,100\n");
  ASSERT_EQ(comparison.pairs.size(), 1U);
  EXPECT_EQ(comparison.pairs[0].id, "gemm/bf16/m1024/n4096/k2048/cold");
  EXPECT_THAT(comparison.only_a, ::testing::Not(Contains(hot.id)));
}

TEST(Comparison, LeavesOutProductsWhoseTokensNobodyQuantised) {
  MeasuredRun run = full_run();
  MeasuredPoint product = *points_of(run, "gemm").front();
  product.id = "gemm/fp8/whole";
  product.x = {{"m", 16}, {"n", 4096}, {"k", 2048}, {"dtype", "fp8"}};
  run.points.push_back(product);
  product.id = "gemm/fp8/alone";
  product.x["activations"] = "fp8";
  run.points.push_back(product);
  const Comparison comparison = beside_table(run, "m,n,k,dtype,latency_us\n16,4096,2048,fp8,100\n");
  ASSERT_EQ(comparison.pairs.size(), 1U);
  EXPECT_EQ(comparison.pairs[0].id, "gemm/fp8/whole");
  EXPECT_THAT(comparison.only_a, Contains("gemm/fp8/alone"));
}

TEST(Comparison, TellsKernelsApartByTheirColumns) {
  const MeasuredRun run = full_run();
  const std::string decodes =
      "num_heads,num_kv_heads,head_dim,batch,kv_len,kv_dtype,latency_us\n32,4,128,8,1024,bf16,50\n";
  const Comparison mine = beside_table(run, decodes);
  ASSERT_EQ(mine.pairs.size(), 1U);
  EXPECT_EQ(mine.pairs[0].family, "decode_attention");
  const Comparison theirs = beside_table(run, decodes, true);
  EXPECT_EQ(theirs.pairs[0].a, 50);
  EXPECT_NEAR(theirs.pairs[0].slower * mine.pairs[0].slower, 1, 1e-12);
  EXPECT_THROW(beside_table(run, "a,b,latency_us\n1,2,3\n"), config::ConfigError);
}

class CalibrationFiles : public ::testing::Test {
 protected:
  CalibrationFiles() {
    place_.write("mine.points.json", points_text(full_run()));
    Processor other;
    other.attention_rate /= 3;
    place_.write("theirs.points.json", points_text(full_run(other)));
  }
  Workplace place_;
};

TEST_F(CalibrationFiles, AreReported) {
  const auto text = place_.terrace("calibrate report mine --out out --profile mine.yaml");
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("mine.points.json: "));
  EXPECT_THAT(text.out, HasSubstr("gemm: roofline"));
  EXPECT_THAT(text.out, HasSubstr("wape 0.0 % <= 10 %"));
  EXPECT_THAT(text.out, HasSubstr("the disk is virtual"));
  EXPECT_THAT(testing::read_file(place_.at("out/points.csv")),
              HasSubstr("decode_attention/bf16/h32.4.128/b8/kv64/cold,decode_attention,roofline,"));
  EXPECT_THAT(testing::read_file(place_.at("out/gemm-roofline.svg")), HasSubstr("<svg"));
  // Latencies and rates of a drive are on one axis: as rates.
  EXPECT_THAT(testing::read_file(place_.at("out/ssd-closed-loop-read.svg")),
              HasSubstr("measured, GB/s"));
  EXPECT_THAT(testing::read_file(place_.at("mine.yaml")), HasSubstr("name: test processor"));

  const auto json = place_.terrace("calibrate report mine.points.json --json");
  const auto report = nlohmann::json::parse(json.out);
  EXPECT_EQ(report.at("laws").at(0).at("family"), "gemm");
  EXPECT_EQ(report.at("laws").at(0).at("gate").at("met"), true);
  EXPECT_EQ(place_.terrace("calibrate report mine --json").out,
            place_.terrace("calibrate report mine --json").out);
}

TEST_F(CalibrationFiles, ShowWhatNoLawIsMadeOf) {
  MeasuredRun run = full_run();
  const auto add = [&](const char* family, const char* id, nlohmann::ordered_json x) {
    MeasuredPoint point;
    point.family = family;
    point.id = id;
    point.x = std::move(x);
    point.unit = "us";
    point.sample = {.median = 65.25, .p10 = 61, .p90 = 70, .min = 60, .n = 15};
    run.points.push_back(point);
  };
  add("launch", "launch/woken/t2", {{"op", "woken"}, {"threads", 2}});
  add("host_memory", "host_memory/latency/32768", {{"op", "latency"}, {"bytes", 32768}});
  place_.write("more.points.json", points_text(run));
  const auto text = place_.terrace("calibrate report more").out;
  const std::size_t begin = text.find("What no law is made of\n");
  ASSERT_NE(begin, std::string::npos);
  EXPECT_THAT(text.substr(begin, text.find("\n\n", begin) - begin),
              ::testing::AllOf(HasSubstr("launch/woken/t2"), HasSubstr("host_memory/latency/32768"),
                               HasSubstr("65.25"), ::testing::Not(HasSubstr("gemm"))));
  const auto json = nlohmann::json::parse(place_.terrace("calibrate report more --json").out);
  EXPECT_EQ(json.at("medians").size(), 2U);
  EXPECT_EQ(json.at("medians").at(0).at("median"), 65.25);
}

TEST_F(CalibrationFiles, AreCompared) {
  const auto text = place_.terrace("calibrate compare mine theirs --csv pairs.csv");
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("Time of theirs over time of mine: above 1, theirs is slower\n"));
  EXPECT_THAT(text.out, HasSubstr("do not overlap\n"));
  EXPECT_THAT(testing::read_file(place_.at("pairs.csv")), HasSubstr("id,family,regime,unit,a,b"));
  const auto json =
      nlohmann::json::parse(place_.terrace("calibrate compare mine theirs --json").out);
  EXPECT_EQ(json.at("only_a"), nlohmann::json::array());
}

/// A morning's points are not replaced by a slip of the completion.
TEST_F(CalibrationFiles, AreNeverWrittenOver) {
  place_.write("mine.yaml", "name: mine\n");
  place_.write("times.csv",
               "num_heads,num_kv_heads,head_dim,batch,kv_len,kv_dtype,latency_us\n"
               "32,4,128,8,1024,bf16,50\n");
  std::filesystem::create_symlink("mine.points.json", place_.at("alias.csv"));
  std::filesystem::create_hard_link(place_.at("mine.points.json"), place_.at("twin.yaml"));
  const auto refuses = [&](const std::string& line, const std::string& file,
                           const std::string& why) {
    const std::string before = testing::read_file(place_.at(file));
    const auto outcome = place_.terrace("calibrate " + line + file);
    EXPECT_EQ(outcome.status, 2) << line << file;
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_THAT(outcome.out, ::testing::IsEmpty());
    EXPECT_EQ(testing::read_file(place_.at(file)), before) << file;
  };
  refuses("report mine --profile ", "mine.points.json", "a name that ends in .yaml");
  refuses("report mine --profile ", "theirs.points.json", "a name that ends in .yaml");
  refuses("report mine --profile ", "twin.yaml", "would replace what is read");
  refuses("compare mine theirs --csv ", "theirs.points.json", "a name that ends in .csv");
  refuses("compare mine theirs --csv ", "mine.yaml", "a name that ends in .csv");
  refuses("compare theirs mine --csv ", "alias.csv", "would replace what is read");
  refuses("compare mine times.csv --csv ", "times.csv", "'times.csv' is an input");
  EXPECT_EQ(place_.terrace("calibrate report mine --profile mine.yaml").status, 0);
  EXPECT_EQ(place_.terrace("calibrate compare mine theirs --csv /dev/null").status, 0);
}

/// A file that was sent by somebody else may hold anything.
TEST_F(CalibrationFiles, DoNotSpeakToTheTerminal) {
  constexpr const char* kRed = "\x1b[31m";
  MeasuredRun run = full_run();
  run.created += kRed;
  run.host[std::string("odd") + kRed] = "value";
  const std::string family = std::string("strange") + kRed;
  for (const bool failed : {true, false}) {
    MeasuredPoint point;
    point.family = family;
    point.id = family + (failed ? "/failed" : "/unstable");
    point.unit = "us";
    point.x = {{"bytes", 1}};
    point.sample = {.median = 1, .p10 = 1, .p90 = 1, .min = 1, .n = 15, .stable = false};
    if (failed) point.error = "why";
    run.points.push_back(point);
  }
  place_.write("sent.points.json", points_text(run));
  for (const char* line : {"report sent", "compare sent mine", "compare mine sent"}) {
    const auto outcome = place_.terrace(std::string("calibrate ") + line);
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr("\\x1b[31m")) << line;
    EXPECT_THAT(outcome.out + outcome.err, ::testing::Not(HasSubstr("\x1b"))) << line;
  }
}

TEST_F(CalibrationFiles, WithNoPointInCommonAreNoComparison) {
  place_.write("copies.points.json", points_text(RunMaker(Processor{}).memory().run()));
  place_.write("products.points.json", points_text([] {
                 MeasuredRun run = full_run();
                 std::erase_if(run.points, [](const auto& p) { return p.family != "gemm"; });
                 return run;
               }()));
  const auto none = place_.terrace("calibrate compare copies products --csv pairs.csv");
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.err, HasSubstr("'copies' and 'products' have no point in common"));
  EXPECT_THAT(none.out, ::testing::IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(place_.at("pairs.csv")));
}

TEST_F(CalibrationFiles, ThatAreNotThereOrNoneAreOneMistake) {
  const auto fails = [&](const std::string& line, int status, const std::string& message) {
    const auto outcome = place_.terrace("calibrate " + line);
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message));
  };
  fails("report mien", 3, "there is no such calibration; did you mean 'mine'?");
  fails("compare mine thiers", 3, "did you mean 'theirs'?");
  fails("compare a.csv b.csv", 2, "one of the two has to be a calibration");
  place_.write("torn.points.json", "{\"points\": [");
  fails("report torn", 3, "torn.points.json: error: ");
  fails("report", 2, "NAME");
}

}  // namespace
}  // namespace terrace::calibrate
