// `terrace mrc`: what it prints, and what it says to those who get it wrong.

#include <csignal>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kSmall;
using ::testing::Not;
using testing::Outcome;
using testing::Workplace;

/// Three requests in blocks of 512 tokens: A B a | A B b | A C, of which a and b are half full.
constexpr std::string_view kTrace =
    R"({"timestamp": 0, "input_length": 1280, "output_length": 5, "hash_ids": [1, 2, 3]}
{"timestamp": 10, "input_length": 1280, "output_length": 5, "hash_ids": [1, 2, 4]}
{"timestamp": 20, "input_length": 1024, "output_length": 5, "hash_ids": [1, 5]}
)";

class MrcCli : public ::testing::Test {
 protected:
  MrcCli() {
    place.write("t.jsonl", kTrace);
    place.write("small.yaml", kSmall);
  }

  void fails(int status, const std::string& message, const std::string& line,
             const std::vector<std::string>& quoted = {}) const {
    SCOPED_TRACE("terrace mrc " + line);
    const Outcome outcome = place.terrace("mrc " + line, quoted);
    EXPECT_EQ(outcome.status, status);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_THAT(outcome.out, IsEmpty());
  }

  [[nodiscard]] json prints(const std::string& line,
                            const std::vector<std::string>& quoted = {}) const {
    const Outcome outcome = place.terrace("mrc --json " + line, quoted);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.err, IsEmpty());
    return json::parse(outcome.out);
  }

  Workplace place;
};

TEST_F(MrcCli, CountsATraceAsByHand) {
  const json all = prints("--trace t.jsonl", {"--tier", "dram=1 blocks..5 blocks"});
  EXPECT_EQ(all["block_size_tokens"], 512);
  EXPECT_EQ(all["read_blocks"], 8);
  EXPECT_EQ(all["distinct_blocks"], 5);
  EXPECT_EQ(all["compulsory_misses"], 5);
  EXPECT_EQ(all["prompt_tokens"], 3584);
  EXPECT_EQ(all["model_id"], "llama-3.1-8b");
  EXPECT_EQ(all["block_bytes"], 131'072 * 512);
  const json& points = all["tiers"][0]["curves"][0]["points"];
  ASSERT_EQ(points.size(), 5U);
  const int usable[] = {0, 0, 3, 3, 3};  // all distances are three
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(points[i]["capacity_blocks"], i + 1);
    EXPECT_EQ(points[i]["usable_hit_blocks"], usable[i]) << i;
    EXPECT_EQ(points[i]["usable_hit_tokens"], 512 * usable[i]) << i;
  }
  EXPECT_DOUBLE_EQ(points[4]["usable_token_hit_ratio"], 1536.0 / 3584);
}

TEST_F(MrcCli, FullBlocksOnlyIfToldSoOrIfTheBlocksAreOthers) {
  EXPECT_EQ(prints("--trace t.jsonl --partial-blocks ignore")["read_blocks"], 6);
  EXPECT_EQ(prints("--trace t.jsonl --block-size 1024")["read_blocks"], 3);
  EXPECT_EQ(prints("--trace t.jsonl --block-size 1024 --partial-blocks count")["read_blocks"], 5);
  EXPECT_EQ(prints("--trace t.jsonl --block-size 16")["read_blocks"], 3584 / 16);
  const json outputs = prints("--trace t.jsonl --block-size 2 --outputs");
  EXPECT_EQ(outputs["written_blocks"], 3 * 2);
}

TEST_F(MrcCli, ReadsCapacitiesInBytesTokensAndBlocks) {
  const auto blocks = [&](const std::string& range) {
    std::vector<int> all;
    const json curves = prints("--trace t.jsonl --points 3", {"--tier", "x=" + range});
    for (const json& point : curves["tiers"][0]["curves"][0]["points"]) {
      all.push_back(point["capacity_blocks"]);
    }
    return all;
  };
  using Blocks = std::vector<int>;
  EXPECT_EQ(blocks("64MiB..256MiB"), (Blocks{1, 2, 4}));
  EXPECT_EQ(blocks("64 MiB .. 256 MiB"), (Blocks{1, 2, 4}));
  EXPECT_EQ(blocks("512 tokens..2048 tokens"), (Blocks{1, 2, 4}));
  EXPECT_EQ(blocks("1 block..4 blocks"), (Blocks{1, 2, 4}));
  EXPECT_EQ(blocks("0..64GiB"), (Blocks{0, 1, 1024}));
  EXPECT_EQ(blocks("auto"), (Blocks{1, 2, 5}));
}

TEST_F(MrcCli, TheModelSetsTheSizeOfABlock) {
  EXPECT_EQ(prints("--trace t.jsonl --model llama-3.1-70b")["block_bytes"], 327'680 * 512);
  EXPECT_EQ(prints("--trace t.jsonl --kv-dtype fp8")["block_bytes"], 65'536 * 512);
  EXPECT_EQ(prints("--trace t.jsonl --set model=llama-3.1-70b --set serving.tensor_parallel=4")
                ["block_bytes"],
            327'680 * 512);
}

TEST_F(MrcCli, ReadsAScenariosOwnWorkload) {
  const json all = prints("small.yaml");
  EXPECT_EQ(all["source"], "small");
  EXPECT_EQ(all["requests"], 50);
  EXPECT_EQ(all["block_size_tokens"], 16);
  EXPECT_EQ(all["read_blocks"], 50 * 12);
  EXPECT_EQ(all["achievable"]["hit_blocks"], 0) << "no two prompts are alike";
}

TEST_F(MrcCli, ThreadsChangeNothing) {
  const std::string line =
      "mrc quickstart --set workload.max_requests=60 --policies all --points 4 --json";
  const Outcome one = place.terrace(line + " --jobs 1");
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(one.out, place.terrace(line + " --jobs 3").out);
}

TEST_F(MrcCli, PrintsATableWithAPlotForEachPolicy) {
  const Outcome outcome = place.terrace("mrc --trace t.jsonl --tier dram=0..1GiB --tier x=auto");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("dram 0..1GiB"), HasSubstr("x auto"), HasSubstr("█"),
                    HasSubstr("knee"), HasSubstr("5 compulsory misses"), HasSubstr("42.86")));
}

TEST_F(MrcCli, WritesCsv) {
  EXPECT_EQ(
      place.terrace("mrc --trace t.jsonl --points 2 --csv out.csv --tier", {"a,b=0..1GiB"}).status,
      0);
  EXPECT_EQ(testing::read_file(place.at("out.csv")),
            "tier,policy,method,capacity_bytes,capacity_blocks,usable_token_hit_ratio,"
            "usable_block_hit_ratio,block_hit_ratio,block_hit_ratio_error,usable_hit_tokens,"
            "usable_hit_blocks,hit_tokens,hit_blocks\n"
            "\"a,b\",lru,exact,0,0,0,0,0,0,0,0,0,0\n"
            "\"a,b\",lru,exact,1073741824,16,0.42857142857142855,0.375,0.375,0,1536,3,1536,3\n");
}

TEST_F(MrcCli, SamplesIfToldTo) {
  const json curve =
      prints("quickstart --set workload.max_requests=300 --shards 0.5")["tiers"][0]["curves"][0];
  EXPECT_EQ(curve["method"], "shards");
  EXPECT_EQ(curve["sampling_rate"], 0.5);
  EXPECT_GT(curve["points"].back()["block_hit_ratio_error"], 0);
  const json few = prints("quickstart --set workload.max_requests=300 --shards 100");
  EXPECT_LT(few["tiers"][0]["curves"][0]["sampling_rate"], 0.5);
}

TEST_F(MrcCli, RefusesASampleOfNothing) {
  fails(2, "of 5 blocks are in the sample, too few", "--trace t.jsonl --shards 0.01");
}

TEST_F(MrcCli, RefusesWhatIsNoRange) {
  fails(2, "--tier dram: it has no name; write NAME=LO..HI", "--trace t.jsonl --tier dram");
  fails(2, "'1GiB' is no range", "--trace t.jsonl --tier dram=1GiB");
  fails(2, "'80' lacks a unit", "--trace t.jsonl --tier dram=0..80");
  fails(2, "'-1GiB' is negative", "--trace t.jsonl --tier dram=-1GiB..1GiB");
  fails(2, "the range goes down", "--trace t.jsonl --tier dram=2GiB..1GiB");
  fails(2, "smaller than a block of 512 tokens, which takes 64.0 MiB",
        "--trace t.jsonl --tier dram=1MiB..1GiB");
  fails(2, "smaller than a block", "--trace t.jsonl --tier dram=0..1MiB");
  fails(2, "'dram' is there twice", "--trace t.jsonl --tier dram=auto --tier dram=auto");
  fails(2, "beyond any trace", "--trace t.jsonl", {"--tier", "x=0..99999999999999 blocks"});
}

TEST_F(MrcCli, AllSaysWhichPoliciesItLeavesOut) {
  const json all = prints("--trace t.jsonl --policies all --points 2");
  std::string left_out;
  for (const json& one : all["left_out"]) {
    left_out += one["policy"].get<std::string>() + " ";
    EXPECT_FALSE(one["lacks"].get<std::string>().empty());
  }
  EXPECT_THAT(left_out, AllOf(HasSubstr("gdsf "), HasSubstr("priority "), HasSubstr("ttl "),
                              HasSubstr("lookahead "), Not(HasSubstr("lru_k "))));
  EXPECT_THAT(place.terrace("mrc --trace t.jsonl --policies all --points 2").out,
              HasSubstr("gdsf (what a block costs to recompute)"));
  EXPECT_TRUE(prints("--trace t.jsonl")["left_out"].empty());
}

TEST_F(MrcCli, PoliciesTakeParameters) {
  const std::string list = "lru,{policy: lru_k, k: 1}, {policy: gdsf, cost: uniform}";
  const json all = prints("--trace t.jsonl --tier", {"x=1 block..5 blocks", "--policies", list});
  const json& curves = all["tiers"][0]["curves"];
  ASSERT_EQ(curves.size(), 3U);
  EXPECT_EQ(curves[1]["policy"], "{policy: lru_k, k: 1}");
  EXPECT_EQ(curves[2]["policy"], "{policy: gdsf, cost: uniform}");
  for (std::size_t i = 0; i < 5; ++i) {  // LRU-1 is LRU
    EXPECT_EQ(curves[0]["points"][i]["hit_blocks"], curves[1]["points"][i]["hit_blocks"]) << i;
  }
  const auto refuses = [&](int status, const std::string& message, const std::string& policies) {
    fails(status, message, "--trace t.jsonl", {"--policies", policies});
  };
  refuses(2, "'{policy: gdsf}' asks what a block costs", "{policy: gdsf}");
  refuses(2, "is there twice", "{policy: fifo},{policy: fifo}");
  refuses(3, "'k' must be", "{policy: lru_k, k: 0}");
  refuses(3, "no eviction policy is called 'lruk'", "{policy: lruk, k: 2}");
  refuses(3, "--policies:1:", "{policy: lru_k, k: 2");
}

TEST_F(MrcCli, RefusesOtherMistakesAtTheKeyboard) {
  fails(2, "there is no policy 'lruu'; did you mean 'lru'?", "--trace t.jsonl --policies lruu");
  fails(2, "there is no policy ''", "--trace t.jsonl --policies lru,");
  fails(2, "'lru' is there twice", "--trace t.jsonl --policies lru,lru");
  fails(2, "there is no model 'llama-3.1-7b'; did you mean",
        "--trace t.jsonl --model llama-3.1-7b");
  fails(2, "--kv-dtype is one of bf16,", "--trace t.jsonl --kv-dtype fp4");
  fails(2, "--exact and --shards exclude", "--trace t.jsonl --exact --shards 0.1");
  fails(2, "--shards takes a rate above 0", "--trace t.jsonl --shards 0");
  fails(2, "not '1.5'", "--trace t.jsonl --shards 1.5");
  fails(2, "--points takes a number from 1", "--trace t.jsonl --points 0");
  fails(2, "--jobs takes a number from 1 to 4096", "--trace t.jsonl --jobs -3");
  fails(2, "--block-size takes a number from 1", "--trace t.jsonl --block-size 0");
  fails(2, "--partial-blocks is 'count' or 'ignore', not 'some'",
        "--trace t.jsonl --partial-blocks some");
  fails(2, "an output goes on in the block", "--trace t.jsonl --outputs --partial-blocks count");
  fails(2, "which scenario?", "--tier dram=auto");
}

TEST_F(MrcCli, RefusesInputWithoutBlocks) {
  place.write("empty.jsonl", "");
  fails(3, "empty.jsonl: error: this trace is empty", "--trace empty.jsonl");
  fails(3, "no.jsonl: error: cannot read this trace", "--trace no.jsonl");
  fails(3, "no request of 50 fills a block of 4096 tokens; lower --block-size",
        "small.yaml --block-size 4096");
  fails(3, "client 'chat' wait for answers", "small.yaml",
        {"--set",
         "workload.clients[0].arrivals={process: closed_loop, users: 3, think: "
         "{distribution: constant, value: 1 s}}"});
  fails(1, "cannot write nowhere/x.csv", "--trace t.jsonl --csv nowhere/x.csv");
}

TEST_F(MrcCli, AnInterruptEndsItCleanly) {
  const std::string pipe = place.at("pipe").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const pid_t child = place.start(TERRACE_PROGRAM, {"mrc", "--trace", pipe, "--block-size", "512"});
  const int end = open(pipe.c_str(), O_WRONLY);  // waits until the program reads
  ASSERT_EQ(kill(child, SIGINT), 0);
  const std::string first(kTrace.substr(0, kTrace.find('\n') + 1));
  EXPECT_EQ(write(end, first.data(), first.size()), static_cast<ssize_t>(first.size()));
  close(end);
  const Outcome outcome = place.finish(child);
  EXPECT_EQ(outcome.status, 130);
  EXPECT_THAT(outcome.err, HasSubstr("stopped by a signal"));
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST_F(MrcCli, APipeDoesNotSayItsBlocksBeforehand) {
  const Outcome outcome = place.finish(
      place.start("/bin/bash", {"-c", "\"$0\" mrc --trace <(cat t.jsonl)", TERRACE_PROGRAM}));
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("or say the block size"));
}

}  // namespace
}  // namespace terrace
