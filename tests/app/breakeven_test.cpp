// What `terrace breakeven` says, and what it says of questions that make no sense.

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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using testing::read_file;
using ::testing::StartsWith;
using testing::Workplace;

const std::string kL40s = "breakeven --model llama-3.1-8b --hw l40s ";
const std::string kThree =
    kL40s + "--ssd samsung-pm9a3 --network rdma-100g-parallel-store --context 1k..16kx4 ";

class BreakEvenVerb : public ::testing::Test {
 protected:
  [[nodiscard]] json answer(const std::string& line) const {
    const Outcome outcome = place.terrace(line + " --json");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.err, IsEmpty());
    return json::parse(outcome.out);
  }
  void fails(int status, const std::string& message, const std::string& line,
             std::vector<std::string> quoted = {}) const {
    const Outcome outcome = place.terrace(line, std::move(quoted));
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.out, IsEmpty()) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message)) << line;
  }
  Workplace place;
};

TEST_F(BreakEvenVerb, TellsTimesAndMoneyOfEveryTier) {
  const Outcome outcome = place.terrace(kThree);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("llama-3.1-8b on 1 x L40S: 128 KiB of KV a token in bf16"),
                    HasSubstr("fitted, to kernels measured on this GPU"),
                    HasSubstr("\ndram: loading "), HasSubstr("\nnvme: loading "),
                    HasSubstr("\nnetwork: loading "), HasSubstr("prices of 2026-03")));
  for (std::size_t from = 0; from < outcome.out.size();) {
    const std::size_t end = outcome.out.find('\n', from);
    EXPECT_LE(end - from, 100U) << outcome.out.substr(from, end - from);
    from = end + 1;
  }
}

TEST_F(BreakEvenVerb, JsonHoldsWhatTheTextSays) {
  const json all = answer(kThree);
  EXPECT_EQ(all["kv_bytes_per_token"], 131072);
  EXPECT_EQ(all["step_times"], "fitted");
  ASSERT_EQ(all["prefixes"].size(), 3U);
  for (const json& prefix : all["prefixes"]) {
    EXPECT_EQ(prefix["bytes"], prefix["tokens"].get<std::int64_t>() * 131072);
    ASSERT_EQ(prefix["tiers"].size(), 3U);
    const double needed =
        prefix["bytes"].get<double>() / prefix["recompute_ms"].get<double>() * 1e3;
    EXPECT_NEAR(prefix["break_even_bytes_per_s"].get<double>(), needed, 1e-6 * needed);
    for (const json& tier : prefix["tiers"]) {
      EXPECT_LE(tier["stall_ms"], tier["load_ms"]);
      EXPECT_LE(tier["hybrid_ms"], tier["load_ms"]);
    }
    EXPECT_TRUE(prefix["tiers"][0]["worth_keeping_s"].is_object());
    EXPECT_TRUE(prefix["tiers"][2]["worth_keeping_s"].is_null());  // no price of a network
  }
}

TEST_F(BreakEvenVerb, LoadsFromTheLengthOnThatItNames) {
  // Small copies of a layered layout, from a shared drive: the length is somewhere in between.
  const std::string line = kL40s + "--ssd samsung-pm9a3 --tiers nvme --sharing 4 --context ";
  const std::int64_t from = answer(line + "1k")["pays_from_tokens"]["nvme"];
  ASSERT_GT(from, 16);
  const json around = answer(line + std::to_string(from - 16) + "," + std::to_string(from));
  const auto pays = [](const json& prefix) {
    return prefix["tiers"][0]["load_ms"] <= prefix["recompute_ms"];
  };
  EXPECT_FALSE(pays(around["prefixes"][0]));
  EXPECT_TRUE(pays(around["prefixes"][1]));
}

TEST_F(BreakEvenVerb, SaysWhatWasNotMeasured) {
  const std::string line = kL40s + "--context 8k --set serving.cost.backend=roofline";
  const json caveats = answer(line)["caveats"];
  ASSERT_EQ(caveats.size(), 1U);
  EXPECT_THAT(caveats[0].get<std::string>(), HasSubstr("from datasheets, not measured"));
  EXPECT_THAT(place.terrace(line).out, HasSubstr("from datasheets, not measured"));
  // Noticed while a step is priced, not when the model is made.
  EXPECT_THAT(answer("breakeven --model gpt-oss-20b --hw l40s --context 8k")["caveats"].dump(),
              HasSubstr("routed experts"));
}

TEST_F(BreakEvenVerb, SaysWhereALatentIsReplicated) {
  const Outcome outcome =
      place.terrace("breakeven --model deepseek-v3 --hw h200-sxm --tp 8 --context 8k");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Each token's KV lies on the GPUs 8 times"));
}

TEST_F(BreakEvenVerb, AnotherGpuPriceChangesTheMoneyInProportion) {
  const auto kept = [&](const std::string& price) {
    const Outcome outcome = place.terrace(kL40s + "--context 8k --json", {"--gpu-price", price});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json::parse(outcome.out)["prefixes"][0]["tiers"][0]["worth_keeping_s"]["typical"]
        .get<double>();
  };
  EXPECT_NEAR(kept("6 USD/h") / kept("3 USD/h"), 2, 1e-9);
  const json rented = answer(kL40s + "--context 8k --rent");
  EXPECT_EQ(rented["prices"]["gpu_usd_per_hour"]["typical"], 0.92);
}

TEST_F(BreakEvenVerb, WritesTablesAndPlotsAndFormulas) {
  const Outcome outcome = place.terrace(kThree + "--explain --csv out.csv --plot out.svg");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("How the row of 16,384 tokens comes about"),
                                 HasSubstr("c_w / (c_rc - c_l)")));
  const std::string csv = read_file(place.at("out.csv"));
  EXPECT_THAT(csv, StartsWith("prefix_tokens,bytes,recompute_ms,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 3 * 3);
  EXPECT_THAT(read_file(place.at("out.svg")), AllOf(StartsWith("<svg"), HasSubstr("network")));
}

TEST_F(BreakEvenVerb, SaysWhatIsWrongWithAQuestion) {
  fails(2, "--model is needed", "breakeven --hw l40s");
  fails(2, "--hw is needed", "breakeven --model llama-3.1-8b");
  fails(3, "llama-3.1-8b", "breakeven --model lama-3.1-8b --hw l40s");
  fails(3, "did you mean one of h100-nvl, h100-pcie, h100-sxm?",
        "breakeven --model llama-3.1-8b --hw h100");
  fails(3, "--hw l4s", "breakeven --model llama-3.1-8b --hw l4s");
  fails(2, "did you mean nvme?", kL40s + "--tiers dram,nvm");
  fails(2, "name it with --ssd", kL40s + "--tiers dram,nvme");
  fails(2, "name it with --network", kL40s + "--tiers net");
  fails(2, "'dram' is there twice", kL40s + "--tiers dram,dram");
  fails(2, "--ssd has no effect", kL40s + "--tiers dram --ssd samsung-pm9a3");
  fails(2, "--drives has no effect", kL40s + "--drives 4");
  fails(3, "--drives 0", kL40s + "--ssd samsung-pm9a3 --drives 0");
  fails(2, "--tp 3", "breakeven --model llama-3.1-8b --hw l40s --tp 3");
  fails(2, "possible are 1, 2, 4", kL40s + "--tp 3");
  fails(2, "--set serving.tensor_parallel=2'; remove", kL40s,
        {"--tp", "2", "--set", "serving.tensor_parallel=2"});
  fails(2, "too large", kL40s, {"--gpu-price", "1e300 USD/h"});
  fails(2, "less than a minute", kL40s, {"--life", "1e-300 years"});
  fails(2, "--reuses 1e300", kL40s + "--reuses 1e300");
  fails(4, "the model does not fit", "breakeven --model llama-3.1-70b --hw l40s");
  fails(4, "go through an encoder", "breakeven --model whisper-large-v3 --hw l40s");
  fails(2, "--context", kL40s + "--context 1k:0");
  fails(2, "131,072", kL40s + "--context 1M");
  fails(2, "a prefix has 130,816 at most", kL40s + "--context 1k,128k");
  fails(2, "--gpu-price", kL40s, {"--gpu-price", "3"});
  fails(2, "above zero", kL40s, {"--gpu-price", "0 USD/h"});
  fails(2, "exclude each other", kL40s + "--rent", {"--gpu-price", "3 USD/h"});
  fails(2, "above zero", kL40s + "--reuses 0");
  fails(2, "--fresh takes a number from 1", kL40s + "--fresh 0");
  fails(2, "has no effect here", kL40s + "--set workload.max_requests=3");
  fails(2, "is one of", kL40s + "--kv-dtype fp7");
}

}  // namespace
}  // namespace terrace
