// Laws that hold for every run, whatever its distributions: Little's law at each station, the
// utilisation law, and the conservation of requests, tokens and bytes.

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::Interval;
using testing::kSeeds;
using testing::Record;
using testing::Result;

/// Prompts that share long prefixes, more of them than HBM holds, loaded over a slow network.
const std::string kThreeStations = R"(
serving:
  engine: {num_gpu_blocks: 600, max_num_seqs: 4}
  cost: {backend: constant, per_step: 1 ms, per_prefill_token: 10 us}
tiers: [{name: store, medium: network, capacity: unlimited}]
output: {timeseries_interval: 1.37 ms}
workload:
  max_requests: 1200
  clients:
    - name: users
      arrivals: {process: poisson, rate: 100 /s}
      prompt: {distribution: uniform, min: 1, max: 60}
      output: {distribution: zipf, min: 1, max: 80, exponent: 0.5}
      content:
        kind: shared_prefix
        prompts: 80
        length: {distribution: uniform, min: 100, max: 500}
)";

/// L = lambda W at one station: the mean number there, counted by the scheduler and looked at every
/// 1.37 ms, against the sum of the times that requests say they spent there, over the length of the
/// run. Looking at instants is unbiased as long as nothing keeps step with it; the relative
/// difference of 32 runs must cover zero with its 99.9 % Student interval, no wider than 1 %.
class Station {
 public:
  void add(const Result& run, std::int64_t counted, double spent) {
    // Nobody looks while there is no request to be seen: that time adds zero to the count.
    const double looked = static_cast<double>(counted) * 1.37e-3 / seconds(run.end);
    const double told = spent / seconds(run.end);
    differences_.push_back(looked / told - 1);
    EXPECT_GT(told, 0.1);
  }
  [[nodiscard]] Interval difference() const { return testing::interval(differences_); }

 private:
  std::vector<double> differences_;
};

TEST(SlowOperationalLaws, LittleAtEveryStation) {
  const Scenario scenario = testing::parse(testing::kTinyModel + testing::kMachine + kThreeStations,
                                           {"hardware.network.bandwidth=15 MB/s"});
  Station queue;
  Station link;
  Station seats;
  for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
    const Result run = testing::run_seeded(scenario, seed);
    double waited = 0;
    double loaded = 0;
    double ran = 0;
    for (const Record& r : run.requests) {
      ASSERT_EQ(r.preemptions, 0) << r;
      const Duration load = r.part(TtftPart::kv_load);
      waited += seconds(r.part(TtftPart::queue));
      loaded += seconds(load);
      ran += seconds(r.e2e() - load - r.part(TtftPart::queue));
    }
    queue.add(run, run.census.waiting, waited);
    link.add(run, run.census.loading, loaded);
    seats.add(run, run.census.running, ran);
  }
  for (const Station* station : {&queue, &link, &seats}) {
    const Interval difference = station->difference();
    EXPECT_TRUE(difference.holds(0)) << difference;
    EXPECT_LT(difference.half, 0.01);
  }
}

// U = X S: with one seat a step serves one request, so the replica is busy for the sum of all
// services, to the picosecond, and its utilisation is throughput times mean service.
TEST(OperationalLaws, Utilisation) {
  const Result run = testing::run_yaml(testing::kTinyModel + testing::kMachine + R"(
serving:
  engine: {max_num_seqs: 1, enable_prefix_caching: false}
  cost: {backend: constant, per_step: 1 ms, per_prefill_token: 3 us, per_decode: 7 us}
workload:
  max_requests: 500
  clients:
    - name: users
      arrivals: {process: poisson, rate: 30 /s}
      prompt: {distribution: uniform, min: 1, max: 500}
      output: {distribution: uniform, min: 1, max: 40}
)");
  Duration service{};
  for (const Record& r : run.requests) {
    const std::int64_t out = r.output.count();
    service += out * std::chrono::milliseconds(1) +
               r.prompt.count() * std::chrono::microseconds(3) +
               (out - 1) * std::chrono::microseconds(7);
  }
  EXPECT_EQ(run.busy.front(), service);
  EXPECT_EQ(run.stepping.front(), service);
  const double throughput = static_cast<double>(run.finished) / seconds(run.end);
  EXPECT_NEAR(seconds(run.busy.front()) / seconds(run.end),
              throughput * seconds(service) / static_cast<double>(run.finished), 1e-12);
}

const std::string kThreeTiers = R"(
serving:
  replicas: 4
  replicas_per_host: 2
  engine: {num_gpu_blocks: 100}
  cost: {backend: constant, per_step: 1 ms, per_prefill_token: 10 us}
tiers:
  - {name: ram, medium: dram, capacity: 400 KiB}
  - {name: disk, medium: nvme, capacity: 2 MiB, block_size: 32}
  - {name: store, medium: network, capacity: 16 MiB, block_size: 64}
workload:
  max_requests: 4000
  clients:
    - name: chat
      arrivals: {process: poisson, rate: 60 /s}
      prompt: {distribution: uniform, min: 1, max: 200}
      output: {distribution: uniform, min: 1, max: 100}
      content:
        kind: conversation
        turns: {distribution: uniform, min: 1, max: 9}
        think: {distribution: exponential, mean: 500 ms}
        system: {prompts: 20, length: {distribution: uniform, min: 50, max: 300}, popularity: 1}
        max_context: 1400
)";

Bytes sum(const Result& run, std::string_view suffix) {
  Bytes all;
  for (const auto& [name, bytes] : run.links) {
    if (name.ends_with(suffix)) all += bytes;
  }
  return all;
}

// What tiers say they read and wrote against what links say they carried. Writes go
// HBM -> ram -> disk -> store, each over the links in between; loads come up all the way.
TEST(OperationalLaws, BytesOfTiersAreBytesOfLinks) {
  const Result run = testing::run_yaml(testing::kTinyModel + testing::kMachine + kThreeTiers);
  const TierCounters& ram = run.tiers[0];
  const TierCounters& disk = run.tiers[1];
  const TierCounters& store = run.tiers[2];
  for (const TierCounters& tier : run.tiers) {
    EXPECT_GT(tier.hits, Tokens{}) << "nothing is tested";
    EXPECT_GT(tier.loads, 0);
  }
  EXPECT_EQ(sum(run, ".d2h"), ram.written);
  EXPECT_EQ(sum(run, ".nvme.write"), disk.written);
  EXPECT_EQ(sum(run, ".nic.tx"), store.written);
  EXPECT_EQ(sum(run, "store.write"), store.written);
  EXPECT_EQ(sum(run, ".h2d"), ram.read + disk.read + store.read);
  EXPECT_EQ(sum(run, ".nvme.read"), disk.read + store.written);
  EXPECT_EQ(sum(run, ".nic.rx"), store.read);
  EXPECT_EQ(sum(run, "store.read"), store.read);
  EXPECT_EQ(run.came, run.finished + run.rejected);
  EXPECT_EQ(run.stepping, run.busy);
}

// Every read is a hit, and every first hit is read: without preemption nothing is loaded twice, and
// a token of KV has the bytes that the model says.
TEST(OperationalLaws, HitsAreWhatIsRead) {
  const Result run = testing::run(
      testing::parse(testing::kTinyModel + testing::kMachine + kThreeTiers,
                     {"serving.engine.num_gpu_blocks=400", "serving.engine.max_num_seqs=4"}));
  std::int64_t preemptions = 0;
  for (const Record& r : run.requests) preemptions += r.preemptions;
  ASSERT_EQ(preemptions, 0);
  for (const TierCounters& tier : run.tiers) {
    EXPECT_GT(tier.hits, Tokens{});
    EXPECT_EQ(tier.read, run.dimensions.kv_bytes_per_token * tier.hits.count());
    EXPECT_EQ(tier.hits.count(), tier.hit_blocks * 16);
  }
}

}  // namespace
}  // namespace terrace
