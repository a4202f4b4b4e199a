// Metrics of a sweep are the figures of a run's summary, by other names.

#include "sim/metrics/metric.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/report/json.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/run.hpp"

namespace terrace {
namespace {

Summary small_run() {
  return run(parse_scenario("metric_test", R"(
model: llama-3.1-8b
hardware: {gpu: h100-sxm, host: dual-xeon-ddr5-2tib}
serving: {engine: {num_gpu_blocks: 400}}
tiers: [{name: dram, medium: dram, capacity: 64 GiB}]
workload:
  max_requests: 60
  clients:
    - name: chat
      arrivals: {process: poisson, rate: 50 /s}
      prompt: {distribution: constant, value: 300}
      output: {distribution: lognormal, mean: 20, cv: 1}
      content: {kind: shared_prefix, prompts: 9, length: {distribution: constant, value: 900}}
)",
                            config::Catalogue({TERRACE_SOURCE_DIR}))
                 .scenario);
}

TEST(Metrics, AreTheFiguresOfTheSummary) {
  const Summary summary = small_run();
  const auto json = to_json(summary, {});
  const auto& dram = json.at("tiers").at(1);
  ASSERT_GT(dram.at("loads"), 0) << "or nothing is tested";
  const std::map<std::string, nlohmann::ordered_json> expected = {
      {"ttft_mean", json.at("mean_ttft_ms")},
      {"ttft_p99", json.at("p99_ttft_ms")},
      {"tpot_p50", json.at("median_tpot_ms")},
      {"itl_p90", json.at("p90_itl_ms")},
      {"e2e_mean", json.at("mean_e2el_ms")},
      {"request_throughput", json.at("request_throughput")},
      {"request_goodput", json.at("request_goodput")},
      {"slo_attainment", json.at("slo_attainment")},
      {"input_throughput", json.at("input_throughput")},
      {"output_throughput", json.at("output_throughput")},
      {"total_token_throughput", json.at("total_token_throughput")},
      {"completed", json.at("completed")},
      {"rejected", json.at("failed")},
      {"preemptions", json.at("preemptions")},
      {"recomputed_tokens", json.at("recomputed_tokens")},
      {"gpu_busy_ratio", json.at("gpu_busy_ratio")},
      {"duration", json.at("duration")},
      {"tier.dram.hit_ratio", dram.at("hit_ratio")},
      {"tier.dram.hit_tokens", dram.at("hit_tokens")},
      {"tier.dram.read_bytes", dram.at("read_bytes")},
      {"tier.dram.written_bytes", dram.at("written_bytes")},
      {"tier.dram.writes_skipped", dram.at("writes_skipped")},
      {"tier.dram.load_time_mean", dram.at("mean_load_ms")}};
  std::size_t seen = 0;
  for (const Metric& metric : all_metrics({"dram"})) {
    const auto found = expected.find(metric.name);
    if (found == expected.end()) continue;
    ++seen;
    EXPECT_EQ(metric.value(summary), found->second.get<double>()) << metric.name;
  }
  EXPECT_EQ(seen, expected.size());
}

TEST(Metrics, APrefixFoundInAnyTierIsAHit) {
  const Summary summary = small_run();
  const auto& hbm = summary.tiers[0].counters;
  const auto& dram = summary.tiers[1].counters;
  // What the first does not have is looked up in the second.
  EXPECT_EQ(hbm.lookups - hbm.hits, dram.lookups);
  const double missed = static_cast<double>((dram.lookups - dram.hits).count());
  EXPECT_NEAR(*prefix_hit_ratio(summary), 1 - missed / static_cast<double>(hbm.lookups.count()),
              1e-12);
}

TEST(Metrics, OfATierThatIsNotThereNothingMoved) {
  const Summary summary = small_run();
  for (const Metric& metric : all_metrics({"tape"})) {
    if (metric.name == "tier.tape.written_bytes") {
      EXPECT_EQ(metric.value(summary), 0.0);
    } else if (metric.name == "tier.tape.hit_ratio") {
      EXPECT_FALSE(metric.value(summary));
    }
  }
}

TEST(Metrics, NamesAndColumnsAreUniqueAndEndWithTheUnit) {
  std::set<std::string> names;
  std::set<std::string> columns;
  for (const Metric& metric : all_metrics({"hbm", "dram"})) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(columns.insert(column_of(metric)).second) << metric.name;
    EXPECT_TRUE(column_of(metric).ends_with(suffix_of(metric.unit)));
    EXPECT_FALSE(metric.summary.empty());
  }
  EXPECT_TRUE(columns.contains("ttft_mean_ms"));
  EXPECT_TRUE(columns.contains("tier_dram_written_bytes"));
  EXPECT_TRUE(columns.contains("tier_dram_load_time_mean_ms"));
}

TEST(Metrics, OfNothingThereIsNoValue) {
  const Summary nothing;
  for (const Metric& metric : all_metrics({"dram"})) {
    if (metric.unit != MetricUnit::ms) continue;
    EXPECT_FALSE(metric.value(nothing)) << metric.name;
  }
}

}  // namespace
}  // namespace terrace
