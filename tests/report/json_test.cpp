#include "sim/report/json.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/report/reported_run.hpp"

namespace terrace {
namespace {

using Json = nlohmann::ordered_json;

/// Every number below `json` is finite; returns how many there are.
int count_numbers(const Json& json, const std::string& where) {
  if (json.is_number_float()) {
    EXPECT_TRUE(std::isfinite(json.get<double>())) << where;
    return 1;
  }
  if (json.is_number()) return 1;
  int numbers = 0;
  if (json.is_structured()) {
    for (const auto& [key, value] : json.items()) {
      numbers += count_numbers(value, where + '/' + key);
    }
  }
  return numbers;
}

TEST(Json, HasNullForWhatIsNoNumber) {
  EXPECT_EQ(finite(1.5), Json(1.5));
  EXPECT_TRUE(finite(HUGE_VAL).is_null());
  EXPECT_TRUE(finite(std::nan("")).is_null());
}

TEST(Json, HasTheKeysOfVllmsBenchmark) {
  const Reported run = report_on(kTwoTiers);
  const Json json = to_json(run.summary, run.header);
  for (const char* key :
       {"completed", "failed", "total_input_tokens", "total_output_tokens", "duration",
        "request_throughput", "request_goodput", "output_throughput", "total_token_throughput"}) {
    EXPECT_TRUE(json.at(key).is_number()) << key;
  }
  for (const char* what : {"mean", "median", "p50", "p90", "p95", "p99"}) {
    for (const char* latency : {"ttft", "tpot", "itl", "e2el"}) {
      const std::string key = std::string(what) + '_' + latency + "_ms";
      EXPECT_GT(json.at(key).get<double>(), 0) << key;
    }
  }
}

TEST(Json, TellsOfPrefetchesWhereThereAreAny) {
  std::string text(kTwoTiers);
  text.replace(text.find("block_size: 64"), 0, "prefetch: {policy: on_arrival, min_tokens: 64}, ");
  const Reported run = report_on(text);
  const Json json = to_json(run.summary, run.header);
  EXPECT_FALSE(json["tiers"][1].contains("prefetch")) << "nothing is prefetched from there";
  const Json& told = json["tiers"][2]["prefetch"];
  const TierCounters& c = run.summary.tiers[2].counters;
  EXPECT_GT(c.prefetched_blocks, 0);
  EXPECT_EQ(told["prefetches"], c.prefetches);
  EXPECT_EQ(told["stopped"], c.prefetches_stopped);
  EXPECT_EQ(told["blocks"], c.prefetched_blocks);
  EXPECT_EQ(told["bytes"], c.prefetched.count());
  EXPECT_EQ(told["used_blocks"], c.prefetch_used);
  EXPECT_EQ(told["unused_blocks"], c.prefetch_unused);
}

TEST(Json, SaysWhatTheSummarySays) {
  const Reported run = report_on(kTwoTiers);
  const Summary& s = run.summary;
  const Json json = to_json(s, run.header);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["scenario"], "two tiers");
  EXPECT_EQ(json["seed"], 7);
  EXPECT_EQ(json["completed"], s.all.completed);
  EXPECT_EQ(json["total_token_throughput"].get<double>(),
            static_cast<double>((s.all.prompt + s.all.output).count()) / seconds(s.duration));
  EXPECT_NEAR(json["mean_ttft_ms"].get<double>(), s.all.latencies.ttft.mean() * 1e-9, 1e-9);
  double parts = 0;
  for (const Json& part : json["ttft_breakdown_ms"]) parts += part.get<double>();
  EXPECT_NEAR(parts, json["mean_ttft_ms"].get<double>(), 1e-9);
  EXPECT_EQ(json["tiers"].size(), 3U);
  EXPECT_EQ(json["tiers"][2]["hit_tokens"], s.tiers[2].counters.hits.count());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(json["tiers"][i]["writes_skipped"], s.tiers[i].counters.writes_skipped);
    EXPECT_EQ(json["tiers"][i]["writes_declined"], s.tiers[i].counters.writes_declined);
    EXPECT_EQ(json["tiers"][i]["writes_dropped"], s.tiers[i].counters.writes_dropped);
  }
  EXPECT_EQ(json["links"].size(), s.links.size());
  EXPECT_EQ(json["clients"][0]["ttft_slo_ms"], 60.0);
  EXPECT_TRUE(json["clients"][1]["ttft_slo_ms"].is_null());
  EXPECT_EQ(json["verdict"]["sentence"], s.verdict.sentence);
}

TEST(Json, ReadsBackToTheSame) {
  const Reported run = report_on(kTwoTiers);
  const std::string text = json_text(run.summary, run.header);
  EXPECT_EQ(Json::parse(text), to_json(run.summary, run.header));
  EXPECT_GT(count_numbers(Json::parse(text), ""), 200);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Json, OfNothingHasTheSameKeysAndNoInfinities) {
  const Reported run = report_on(kTwoTiers);
  const Json full = to_json(run.summary, run.header);
  const Json empty = to_json(nothing(), {});
  count_numbers(empty, "");
  for (const auto& [key, value] : full.items()) EXPECT_TRUE(empty.contains(key)) << key;
  EXPECT_TRUE(empty["mean_ttft_ms"].is_null());
  EXPECT_TRUE(empty["request_throughput"].is_null());
  EXPECT_TRUE(empty["ttft_breakdown_ms"]["queue"].is_null());
  EXPECT_EQ(empty["verdict"]["state"], "idle");
}

TEST(Json, ASummaryWithInfinitiesBecomesNull) {
  Summary s = nothing();
  s.queue_late = HUGE_VAL;
  s.links.resize(1);
  s.links[0].utilisation = std::nan("");
  const Json json = Json::parse(json_text(s, {}));
  EXPECT_TRUE(json["queue_late_ms"].is_null());
  EXPECT_TRUE(json["links"][0]["utilisation"].is_null());
}

TEST(Json, NamesThatAreNoUtf8DoNotMakeItFail) {
  Summary s = nothing();
  s.clients.resize(1);
  s.clients[0].name = "caf\xe9";
  EXPECT_EQ(Json::parse(json_text(s, {}))["clients"][0]["name"], "caf\xef\xbf\xbd");
}

}  // namespace
}  // namespace terrace
