#include "sim/cost/layer_profile.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "tests/cost/profile_files.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::HasSubstr;

/// A profile whose times are easy to reckon.
class LayerProfileFiles : public tests::ProfileFiles {
 protected:
  void SetUp() override {
    ProfileFiles::SetUp();
    write("dense", "layer,tokens,time_us\nqkv_proj,1,10\nqkv_proj,101,110\nnorm,1,2\nnorm,2,2\n");
    write("per_sequence", "layer,sequences,time_us\nlm_head,1,100\nlm_head,11,200\n");
    write("attention", kAttention);
  }

  [[nodiscard]] LayerProfile read() const { return LayerProfile::read(folder_, "m"); }

  [[nodiscard]] std::string mistake(const std::string& kind, const std::string& text) const {
    write(kind, text);
    try {
      static_cast<void>(read());
    } catch (const config::ConfigError& error) {
      return error.what();
    }
    return "no mistake";
  }

  // Columns may come in any order. With a chunk: 10 + chunk / 16 + prefix / 64 + n k / 16.
  const std::string kAttention =
      "n_decode,kv_decode,prefill_chunk,kv_prefill,time_us\n"
      "1,16,0,0,8\n1,48,0,0,10\n3,16,0,0,12\n3,48,0,0,18\n"
      "0,0,16,0,5\n0,0,16,64,6\n0,0,48,0,9\n0,0,48,64,12\n"
      "1,16,16,0,12\n1,48,16,0,14\n3,16,16,0,14\n3,48,16,0,20\n"
      "1,16,48,0,14\n1,48,48,0,16\n3,16,48,0,16\n3,48,48,0,22\n"
      "1,16,16,64,13\n1,48,16,64,15\n3,16,16,64,15\n3,48,16,64,21\n"
      "1,16,48,64,15\n1,48,48,64,17\n3,16,48,64,17\n";  // one is missing: 3,48,48,64
};

double us(const Estimate& looked) { return seconds(looked.time) * 1e6; }

TEST_F(LayerProfileFiles, LooksUpWhatWasMeasured) {
  const LayerProfile profile = read();
  ASSERT_NE(profile.per_token("qkv_proj"), nullptr);
  EXPECT_NEAR(us(profile.per_token("qkv_proj")->at({51})), 60, 1e-5);
  EXPECT_NEAR(us(profile.per_token("norm")->at({2})), 2, 1e-5);
  EXPECT_EQ(profile.per_token("lm_head"), nullptr);
  EXPECT_NEAR(us(profile.per_sequence("lm_head")->at({6})), 150, 1e-5);
  EXPECT_EQ(profile.per_sequence("qkv_proj"), nullptr);
  EXPECT_FALSE(profile.has_moe());
}

TEST_F(LayerProfileFiles, AttentionDependsOnWhatTheStepHas) {
  const LayerProfile profile = read();
  EXPECT_NEAR(us(profile.attention({0_tok, 0_tok, 2, 32_tok})), 12, 1e-5);
  EXPECT_NEAR(us(profile.attention({32_tok, 32_tok, 0, 0_tok})), 8, 1e-5);
  EXPECT_NEAR(us(profile.attention({16_tok, 32_tok, 2, 32_tok})), 10 + 1 + 0.5 + 4, 1e-5);
  // The missing crossing lies between measured ones on no axis: its prefix is taken as shorter.
  EXPECT_NEAR(us(profile.attention({48_tok, 64_tok, 3, 48_tok})), 22, 1e-5);
}

TEST_F(LayerProfileFiles, SmallChunksRunTheKernelOfChunks) {
  const LayerProfile profile = read();
  EXPECT_NEAR(us(profile.attention({2_tok, 0_tok, 1, 16_tok})), 12, 1e-5);
  EXPECT_FALSE(profile.attention({2_tok, 0_tok, 1, 16_tok}).extrapolated);
}

TEST_F(LayerProfileFiles, SaysWhereItExtrapolates) {
  const LayerProfile profile = read();
  EXPECT_NEAR(us(profile.attention({0_tok, 0_tok, 3, 80_tok})), 24, 1e-5);
  EXPECT_TRUE(profile.attention({0_tok, 0_tok, 3, 80_tok}).extrapolated);
  EXPECT_TRUE(profile.attention({0_tok, 0_tok, 4, 16_tok}).extrapolated);
  EXPECT_FALSE(profile.attention({0_tok, 0_tok, 3, 48_tok}).extrapolated);
}

TEST_F(LayerProfileFiles, ExpertsAreOptional) {
  write("moe", "tokens,activated_experts,time_us\n1,8,50\n16,8,60\n16,16,100\n");
  const LayerProfile profile = read();
  ASSERT_TRUE(profile.has_moe());
  EXPECT_NEAR(us(profile.moe(16, 12)), 80, 1e-5);
}

TEST_F(LayerProfileFiles, MistakesArePointedAt) {
  const std::string dense = "layer,tokens,time_us\nqkv_proj,1,10\n";
  EXPECT_EQ(mistake("dense", dense + "qkv_proj,two,3\n"),
            file("dense").string() +
                ":3:10: error: tokens 'two' is not a whole number from 0 to 1000000000000\n"
                "    3 | qkv_proj,two,3\n"
                "      |          ^~~\n");
  EXPECT_THAT(mistake("dense", "layer,tokens,time_ms\n"),
              testing::AllOf(HasSubstr(":1:14: error: unknown column 'time_ms'"),
                             HasSubstr("did you mean 'time_us'?")));
  EXPECT_THAT(mistake("dense", "layer,tokens\nqkv_proj,1\n"),
              HasSubstr(":1:1: error: this header lacks the column 'time_us'"));
  EXPECT_THAT(mistake("dense", "layer,tokens,tokens,time_us\n"), HasSubstr("stands twice"));
  EXPECT_THAT(mistake("dense", dense + "qkv_proj,2\n"), HasSubstr("this row has 2 columns"));
  EXPECT_THAT(mistake("dense", dense + "qkv_proj,2,nan\n"), HasSubstr("'nan' is not a number"));
  EXPECT_THAT(mistake("dense", dense + "qkv_proj,2,1e999\n"), HasSubstr("is not a number"));
  EXPECT_THAT(mistake("dense", dense + "qkv_proj,2,-3\n"), HasSubstr("no operation takes -3 us"));
  EXPECT_THAT(mistake("dense", dense + "qkv_proj,2,0.00001\n"),
              HasSubstr("times are in microseconds"));
  EXPECT_THAT(mistake("dense", dense + "qkv_proj,-2,3\n"), HasSubstr("is not a whole number"));
  EXPECT_THAT(mistake("dense", dense + ",2,3\n"), HasSubstr("'layer' is empty"));
  EXPECT_THAT(mistake("dense", dense + "norm,1,10\nqkv_proj,1,11\n"),
              HasSubstr(":4:1: error: line 2 already has a time for this"));
  EXPECT_THAT(mistake("dense", "layer,tokens,time_us\n"), HasSubstr("no rows"));
  EXPECT_THAT(mistake("dense", ""), HasSubstr("this table is empty"));
}

TEST_F(LayerProfileFiles, AttentionNeedsAllKindsOfSteps) {
  const std::string head = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n";
  EXPECT_THAT(mistake("attention", head + "0,0,1,16,8\n16,0,0,0,8\n"),
              HasSubstr("no row has decodes along with a prefill"));
  EXPECT_THAT(mistake("attention", head + "0,0,0,0,8\n"), HasSubstr("0,0,0,0 has no tokens"));
  EXPECT_THAT(mistake("attention", head + "0,16,1,16,8\n"), HasSubstr("a prefix of nothing"));
}

TEST_F(LayerProfileFiles, AMissingFileIsNamed) {
  std::filesystem::remove(file("per_sequence"));
  try {
    static_cast<void>(read());
    FAIL() << "read a profile without a file";
  } catch (const config::ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot read " + file("per_sequence").string() +
                                        ": No such file or directory"));
  }
}

/// Times that the profile does not hold, of the same engine and GPU: decodes of the mean length in
/// the measurements of unequal ones, with chunks on the grid and lengths off it.
TEST(LayerProfileData, PredictsOtherMeasurements) {
  const char* data = std::getenv("TERRACE_DATA");
  if (data == nullptr) GTEST_SKIP() << "TERRACE_DATA does not name the folder with layer_profiles/";
  const std::filesystem::path folder = std::filesystem::path(data) / "layer_profiles";
  for (const std::string model : {"Llama-3.1-8B", "Qwen3-30B-A3B-Instruct-2507"}) {
    const std::string stem = "RTXPRO6000_" + model + "_tp1";
    const LayerProfile profile = LayerProfile::read(folder, stem);
    EXPECT_EQ(profile.has_moe(), model.starts_with("Qwen"));
    std::ifstream rows(folder / (stem + "_skew.csv"));
    std::string row;
    std::getline(rows, row);
    double error = 0;
    int count = 0;
    while (std::getline(rows, row)) {
      std::vector<double> x;
      std::istringstream fields(row.substr(row.find(',')));
      for (char comma = 0; fields >> comma;) {
        double value = 0;
        if (!(fields >> value)) break;  // no alpha where both times are the same
        x.push_back(value);
      }
      const auto whole = [&](std::size_t i) { return static_cast<std::int64_t>(x[i]); };
      const Estimate looked =
          profile.attention({Tokens{whole(4)}, Tokens{whole(5)}, whole(0), Tokens{whole(8)}});
      EXPECT_FALSE(looked.extrapolated);
      // That file holds sums over three iterations.
      error += std::abs(us(looked) / (x[9] / 3) - 1);
      ++count;
    }
    EXPECT_EQ(count, 13'009);
    EXPECT_LT(error / count, 0.025);  // 2.1 % and 2.2 %: it bends between the lengths
  }
}

}  // namespace
}  // namespace terrace
