// The verb as its users see it.

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using ::testing::StartsWith;
using testing::Workplace;

using CsvRow = std::map<std::string, std::string>;

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> all;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) all.push_back(cell);
  return all;
}

std::vector<CsvRow> read_csv(const std::string& text) {
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> heads = cells(line);
  std::vector<CsvRow> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> row = cells(line);
    EXPECT_EQ(row.size(), heads.size());
    CsvRow& one = rows.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) one[heads[i]] = row[i];
  }
  return rows;
}

Outcome footprint(const Workplace& place, const std::string& line) {
  return place.terrace("footprint " + line);
}

TEST(FootprintVerb, ShowsModelsSideBySide) {
  const Workplace place;
  const Outcome outcome = footprint(
      place,
      "--models llama-3.1-8b,deepseek-v3 --context 4k..128kx32 --kv-dtype bf16,fp8 --tp 1,8");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_THAT(outcome.out, StartsWith("KV cache; blocks of 16 tokens\nfrom the shapes"));
  for (const char* line : {"\nllama-3.1-8b bf16 tp 8 +131,072 +16,384 +16,384 +-\n",
                           "\ndeepseek-v3 fp8 tp 8 +35,136 +35,136 +- +35,136\n",
                           "\ncontext +4k +128k\n", "\nllama-3.1-8b bf16 tp 1 +512 MiB +16.0 GiB\n",
                           "\ndeepseek-v3 bf16 tp 8 +274 MiB +8.58 GiB\n"}) {
    EXPECT_THAT(outcome.out, ContainsRegex(line));
  }
  EXPECT_THAT(outcome.out, Not(HasSubstr("has left a window"))) << "none has one";
}

TEST(FootprintVerb, WhatIsTheSameEverywhereIsSaidOnce) {
  const Workplace place;
  const Outcome outcome = footprint(place, "--models gpt-oss-120b --context 128k --batch 1,64");
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("KV cache of gpt-oss-120b, bf16, tp 1; blocks of 16 tokens\n"),
                    ContainsRegex("\ngpt-oss-120b +9.00 GiB\n"),
                    ContainsRegex("window is freed\n.*\ngpt-oss-120b +4.50 GiB\n"),
                    ContainsRegex("\n64 sequences.*\n.*\n.*\ngpt-oss-120b +576 GiB\n"),
                    HasSubstr("in pages of vLLM's hybrid manager")));
}

TEST(FootprintVerb, EveryCombinationIsARow) {
  const Workplace place;
  const std::string line =
      "--models gpt-oss-120b,whisper-large-v3,deepseek-v3.2,minimax-text-01 --what-if mha "
      "--context 100..300+100,4k --batch 1,7 --kv-dtype bf16,int4 --tp 1,2 --hw h100-sxm "
      "--host dual-xeon-ddr5-2tib";
  const Outcome outcome = footprint(place, line + " --csv rows.csv");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<CsvRow> rows = read_csv(testing::read_file(place.at("rows.csv")));
  EXPECT_EQ(rows.size(), 8U * 4 * 2 * 2 * 2);
  for (const CsvRow& row : rows) {
    const auto n = [&](const std::string& key) { return std::stoll(row.at(key)); };
    std::int64_t parts = 0;
    for (const char* part : {"full", "windowed", "latent", "index", "state", "cross"}) {
      parts += n(std::string(part) + "_bytes_per_gpu");
    }
    EXPECT_EQ(parts, n("held_bytes_per_gpu"));
    const std::int64_t fixed = n("state_bytes_per_gpu") + n("cross_bytes_per_gpu");
    EXPECT_EQ(n("held_bytes_per_gpu") - fixed, n("bytes_per_token_per_gpu") * n("context_tokens"));
    EXPECT_EQ(n("held_in_blocks_bytes_per_gpu") - fixed,
              n("bytes_per_token_per_gpu") * n("blocks") * n("block_size_tokens"));
    EXPECT_EQ(n("hybrid_bytes_per_gpu"), n("hybrid_pages") * n("hybrid_page_bytes_per_gpu"));
    EXPECT_EQ(n("batch_bytes_per_gpu"), n("held_in_blocks_bytes_per_gpu") * n("batch"));
    EXPECT_EQ(n("batch_bytes_all_gpus"), n("batch_bytes_per_gpu") * n("tensor_parallel"));
    EXPECT_LE(n("needed_bytes_per_gpu"), n("held_bytes_per_gpu"));
    EXPECT_LE(n("h100_sxm_sequences") * n("blocks"), std::max(n("h100_sxm_hbm_blocks") - 1, 0LL));
  }

  const Outcome printed = footprint(place, line + " --json");
  EXPECT_EQ(printed.status, 0);
  const json document = json::parse(printed.out);
  ASSERT_EQ(document.at("rows").size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json& one = document["rows"][i];
    ASSERT_EQ(one.size(), rows[i].size());
    for (const auto& [key, value] : rows[i]) {
      EXPECT_EQ(one.at(key).is_string() ? one[key].get<std::string>() : one[key].dump(), value);
    }
  }
}

TEST(FootprintVerb, TellsHowManySequencesFit) {
  const Workplace place;
  const Outcome outcome =
      footprint(place,
                "--models llama-3.1-8b,llama-3.1-70b --context 128k --hw h100-sxm "
                "--host dual-xeon-ddr5-2tib:512GiB --ssd 4xsolidigm-d7-ps1010:7.68TB --explain");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(
      outcome.out,
      AllOf(HasSubstr("Sequences that fit 1 x H100 SXM: 79.6 GiB"),
            HasSubstr("llama-3.1-70b: weights do not fit: 131 GiB of 71.7 GiB\n"),
            ContainsRegex("DRAM of dual-xeon-ddr5-2tib, 512 GiB: 512 GiB\n.*\nllama-3.1-8b +32\n"),
            ContainsRegex(
                "4 x solidigm-d7-ps1010, 7.68 TB each: 27.9 TiB\n.*\nllama-3.1-8b +1,788\n"),
            HasSubstr("28,211 blocks; (28,211 - 1) / 8,192 = 3 sequences")));
}

TEST(FootprintVerb, TwoSizesOfOneDriveAreTwoStores) {
  const Workplace place;
  const Outcome outcome = footprint(place,
                                    "--models llama-3.1-8b --context 128k --json "
                                    "--ssd 4xkioxia-cm7-r:7.68TB,4xkioxia-cm7-r:15.36TB");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json row = json::parse(outcome.out)["rows"][0];
  const std::int64_t one = row["held_in_blocks_bytes_per_gpu"];
  EXPECT_EQ(row["nvme_of_4_x_kioxia_cm7_r_7_68_tb_each_sequences"], 30'720'000'000'000 / one);
  EXPECT_EQ(row["nvme_of_4_x_kioxia_cm7_r_15_36_tb_each_sequences"], 61'440'000'000'000 / one);
}

TEST(FootprintVerb, ATableIsReplacedAsAWhole) {
  const Workplace place;
  place.write("rows.csv", "old");
  std::filesystem::create_hard_link(place.at("rows.csv"), place.at("old.csv"));
  ASSERT_EQ(footprint(place, "--models llama-3.1-8b --csv rows.csv").status, 0);
  EXPECT_THAT(testing::read_file(place.at("rows.csv")), StartsWith("model,"));
  EXPECT_EQ(testing::read_file(place.at("old.csv")), "old");
}

TEST(FootprintVerb, ARangeEndsBeforeItOverflows) {
  const Workplace place;
  const Outcome outcome =
      footprint(place, "--models llama-3.1-8b --context 4k..128kx1099511627776M --json");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json rows = json::parse(outcome.out)["rows"];
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["context_tokens"], 4096);
}

TEST(FootprintVerb, ExplainsTheNumbersOfTheLongestContext) {
  const Workplace place;
  const Outcome outcome = footprint(place, "--models gpt-oss-120b --context 1k,128k --explain");
  EXPECT_THAT(
      outcome.out,
      AllOf(HasSubstr("gpt-oss-120b, bf16, tp 1: 131,072 tokens\n"),
            HasSubstr("18 x full: 2 x 8 KV heads x 64 x 2 B = 2,048 B per token and layer\n"),
            HasSubstr("held: 131,072 x 73,728 B = 9.00 GiB\n"), HasSubstr("needed: 4.50 GiB"),
            HasSubstr("= 8,192 blocks x 1.12 MiB = 9.00 GiB"),
            HasSubstr("sliding: 18 layers in 1 group, 16 tokens to a page: 1 x 8 pages\n"),
            HasSubstr("hybrid_kv_cache_manager.md")));
}

TEST(FootprintVerb, ComparesWithOtherAttentions) {
  const Workplace place;
  const Outcome outcome =
      footprint(place, "--models llama-2-7b --what-if mqa,gqa:8 --what-if mla:512+64 --context 4k");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const char* line : {"\nllama-2-7b +524,288 +524,288 +-\n", "\nllama-2-7b \\(mqa\\) +16,384 ",
                           "\nllama-2-7b \\(gqa:8\\) +131,072 ",
                           "\nllama-2-7b \\(mla:512\\+64\\) +36,864 +- +36,864"}) {
    EXPECT_THAT(outcome.out, ContainsRegex(line));
  }
}

TEST(FootprintVerb, DrawsALineForEach) {
  const Workplace place;
  const std::string line = "--models gpt-oss-20b --what-if mqa --kv-dtype bf16,fp8 --plot ";
  ASSERT_EQ(footprint(place, line + "a.svg").status, 0);
  ASSERT_EQ(footprint(place, line + "b.svg").status, 0);
  const std::string svg = testing::read_file(place.at("a.svg"));
  EXPECT_EQ(svg, testing::read_file(place.at("b.svg")));
  EXPECT_THAT(svg, AllOf(HasSubstr(">gpt-oss-20b (mqa) fp8<"),
                         HasSubstr(">gpt-oss-20b bf16, freed<"), Not(HasSubstr("nan"))));
}

TEST(FootprintVerb, LongerThanTheModelIsSaidAndShown) {
  const Workplace place;
  const Outcome outcome = footprint(place, "--models llama-3.1-8b --context 1M");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("llama-3.1-8b was made for 131,072 tokens"));
  EXPECT_THAT(outcome.out, HasSubstr("128 GiB"));
}

TEST(FootprintVerb, WhatIsBeyondNumbersIsTheMost) {
  const Workplace place;
  place.write("huge.yaml",
              "{name: huge, hidden: 64, vocabulary: 100, tied_embeddings: true,\n"
              " max_context: 1000, source: made up, layers: [{count: 1024,\n"
              "  attention: {kind: full, heads: 4096, kv_heads: 4096, head_dim: 16384},\n"
              "  mlp: {kind: none}}]}\n");
  const Outcome outcome = footprint(
      place, "--models huge.yaml --context 1000000000 --batch 1000000 --hw h100-sxm --json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const json row = json::parse(outcome.out).at("rows").at(0);
  for (const auto& [key, value] : row.items()) {
    if (!value.is_number()) continue;
    EXPECT_GE(value.get<std::int64_t>(), 0) << key;
  }
}

TEST(FootprintVerb, MistakesAreNamed) {
  const Workplace place;
  const auto fails = [&](int status, const std::string& line, const std::string& message) {
    const Outcome outcome = footprint(place, line);
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message)) << line;
    EXPECT_THAT(outcome.out, IsEmpty()) << line;
  };
  const std::string one = "--models llama-3.1-8b ";
  fails(2, "", "it needs --models NAMES");
  fails(2, "--models llama-3.1-8b,", "a name is missing");
  fails(2, "--models llama-3.1-8b,llama-3.1-8b", "'llama-3.1-8b' is there twice");
  fails(3, "--models llama-3.1-8", "did you mean 'llama-3.1-8b'?");
  fails(3, one + "--hw h100", "did you mean one of h100-nvl, h100-pcie, h100-sxm?");
  fails(3, one + "--hw h100-smx", "did you mean 'h100-sxm'?");
  fails(2, one + "--context 0", "0 is not between 1 and");
  fails(2, one + "--context ,", "'' is no whole number");
  fails(2, one + "--context 1.5k", "k = 1,024, M = 1,048,576");
  fails(2, one + "--context 1M..4kx2", "the range goes down");
  fails(2, one + "--context 4k..1M", "FIRST..LAST xFACTOR");
  fails(2, one + "--context 4k:1M:x2", "FIRST..LAST xFACTOR");
  fails(2, one + "--context 4k..1Mx1", "a factor is 2 or more");
  fails(2, one + "--context 4k..1M+0", "a step is 1 or more");
  fails(2, one + "--context 1..1000000000+1", "more than 10,000 numbers");
  fails(2, one + "--context 1..6000+1 --batch 1,2", "12.0 k combinations");
  fails(2, one + "--tp 3", "possible are 1, 2, 4, 8, 16, 32");
  fails(2, one + "--tp 128", "128 is not between 1 and 64");
  fails(2, one + "--kv-dtype fp9",
        "--kv-dtype is one of bf16, fp16, fp8, int8, int4, not 'fp9'; did you mean fp8?");
  fails(2, one + "--what-if gqa:7", "cannot become gqa:7");
  fails(2, one + "--what-if gqa", "gqa:KV_HEADS");
  fails(2, one + "--max-num-seqs 4", "--max-num-seqs has no effect without --hw");
  fails(2, one + "--hw l4 --gpu-memory-utilization 1.1", "up to 1, not '1.1'");
  fails(2, one + "--host dual-xeon-ddr5-2tib:7", "'7' lacks a unit");
  fails(3, one + "--ssd 4xkioxia-cm7-r:7TB", "there is no Kioxia CM7-R of 7 TB");
  fails(3, one + "--ssd kioxia-cm7-r:7TB", "the nearest has 7.68 TB");
  fails(3, one + "--host dual-xeon-ddr5-2tib:0B", "'dram' must be greater than 0");
  fails(2, one + "--ssd kioxia-cm7-r:7.68TB,kioxia-cm7-r:7680GB",
        "'kioxia-cm7-r:7680GB' is there twice");
  fails(2, one + "--ssd 0xsolidigm-d7-ps1010", "between 1 and 1024 of a kind");
  fails(2, one + "--block-size 0", "--block-size takes a number from 1 to 65536");
  fails(2, one + "--json --explain", "exclude each other");
  fails(1, one + "--csv nowhere/rows.csv", "nowhere/rows.csv");
}

}  // namespace
}  // namespace terrace
