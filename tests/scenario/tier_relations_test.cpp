// What more memory, faster links and other rules do to a hierarchy of tiers.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/kv/hierarchy.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::Record;
using testing::Result;

/// One request at a time, so that nothing depends on how long anything takes: a replay of the same
/// look-ups whatever the tiers. HBM holds 39 blocks; the texts have some 900.
std::string sparse(const std::string& tiers) {
  return testing::kTinyModel + testing::kMachine + R"(
serving:
  engine: {num_gpu_blocks: 40}
  cost: {backend: constant, per_step: 1 ms, per_prefill_token: 100 us}
workload:
  max_requests: 1500
  clients:
    - name: sparse
      arrivals: {process: deterministic, rate: 1 /s}
      prompt: {distribution: uniform, min: 1, max: 30}
      output: {distribution: constant, value: 2}
      content:
        kind: shared_prefix
        prompts: 60
        length: {distribution: uniform, min: 16, max: 500}
        popularity: 0.7
)" + tiers;
}

double mean_ttft(const Result& run) {
  double sum = 0;
  for (const Record& r : run.requests) sum += seconds(r.ttft());
  return sum / static_cast<double>(run.requests.size());
}

// LRU is a stack algorithm: on the same look-ups a larger cache holds all that a smaller one does.
// So hits never fall as a tier grows, and since loading a block (about 10 us) is quicker than
// computing its 16 tokens (1.6 ms), the mean TTFT never rises.
TEST(TierRelations, MoreDramMoreHitsLessWaiting) {
  for (const std::string write : {"through", "back"}) {
    SCOPED_TRACE(write);
    const auto with = [&write](std::int64_t blocks) {
      return testing::run_yaml(sparse(
          fmt::format("tiers: [{{name: ram, capacity: {} KiB, write: {}}}]\n", blocks * 4, write)));
    };
    Result less = with(1);
    for (std::int64_t blocks = 40; blocks <= 1200; blocks += 40) {
      const Result more = with(blocks);
      EXPECT_GE(more.tiers[0].hits, less.tiers[0].hits) << blocks;
      EXPECT_EQ(more.hbm.hits, less.hbm.hits);
      if (more.tiers[0].hits > less.tiers[0].hits) {
        EXPECT_LT(mean_ttft(more), mean_ttft(less)) << blocks;
      }
      less = more;
    }
    EXPECT_GT(less.tiers[0].hits.count() * 2, (less.hbm.lookups - less.hbm.hits).count());
    EXPECT_LT(mean_ttft(less) * 2, mean_ttft(with(1)));
  }
}

/// Looks, whenever a request leaves, at which contents lie both in HBM and in the tier below it.
class Watch final : public Observer {
 public:
  void on_start(const RunView& view) override { hierarchy_ = &view.hierarchy; }
  void on_left(const Request&, SimTime) override { look(); }
  void on_end(SimTime) override { look(); }

  std::int64_t both = 0;
  std::int64_t above_only = 0;
  std::int64_t below_only = 0;

 private:
  void look() {
    const BlockPool& above = hierarchy_->hbm_parts().front().pool;
    const BlockPool& below = hierarchy_->tiers().front().parts.front().pool;
    above.for_each_content(
        [&](ContentId content) { ++(below.find(content) == BlockId::none() ? above_only : both); });
    below.for_each_content(
        [&](ContentId content) { below_only += above.find(content) == BlockId::none() ? 1 : 0; });
  }
  const Hierarchy* hierarchy_ = nullptr;
};

Watch watch(const std::string& tiers) {
  Watch watch;
  Simulation simulation(testing::parse(sparse(tiers)), {&watch});
  EXPECT_TRUE(simulation.run());
  EXPECT_GT(simulation.view().hierarchy.tiers().front().counters.hits, Tokens{});
  return watch;
}

// An exclusive tier and HBM together hold each block once; an inclusive one that is written through
// and large enough has all that is in HBM.
TEST(TierRelations, ExclusiveHoldsNothingTwice) {
  const Watch exclusive =
      watch("tiers: [{name: ram, capacity: 1 MiB, write: back, inclusion: exclusive}]\n");
  EXPECT_EQ(exclusive.both, 0);
  EXPECT_GT(exclusive.below_only, 0);
}

TEST(TierRelations, InclusiveWriteThroughHoldsAllThatIsAbove) {
  const Watch inclusive = watch("tiers: [{name: ram, capacity: unlimited}]\n");
  EXPECT_EQ(inclusive.above_only, 0);
  EXPECT_GT(inclusive.both, 0);
  const Watch small = watch("tiers: [{name: ram, capacity: 200 KiB}]\n");
  EXPECT_GT(small.above_only, 0);
}

/// Texts of 20 blocks and one token, one at a time, through an HBM of 25 blocks and a tier of 30.
Record last_visit(const std::vector<std::int64_t>& texts, const std::string& write) {
  std::string lines;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    lines += testing::trace_line(static_cast<std::int64_t>(i) * 1'000'000'000'000,
                                 {{texts[i], 20 * 16 + 1}}, 1);
  }
  const testing::TraceFile file(lines);
  return testing::run_yaml(testing::kTinyModel + testing::kMachine +
                           fmt::format(R"(
serving: {{engine: {{num_gpu_blocks: 26}}}}
tiers: [{{name: ram, capacity: 120 KiB, write: {}}}]
workload: {{trace: {{path: {}}}}}
)",
                                       write, file.path()))
      .requests.back();
}

// What is left of a prefix is of use only from its head on, so its tail has to go first: from HBM,
// from a tier that got it head first as it was completed, and from one that got it tail first as
// HBM let go of it.
TEST(TierRelations, HeadsOutliveTails) {
  // Of text 1, HBM keeps 4 blocks behind the 21 of text 2; the tier 10 of 20 beside those of 2.
  const Record through = last_visit({1, 2, 1}, "through");
  EXPECT_EQ(through.hbm_hits, Tokens{4 * 16});
  EXPECT_EQ(through.tier_hits, Tokens{6 * 16});
  // Text 2 pushes 16 blocks of text 1 down, text 3 the other 4 and 16 of text 2: the 6 for which
  // there is no room are the last ones of text 1.
  const Record on_evict = last_visit({1, 2, 3, 1}, "back");
  EXPECT_EQ(on_evict.hbm_hits, Tokens{0});
  EXPECT_EQ(on_evict.tier_hits, Tokens{14 * 16});
}

/// Blocks of distinct prompts that share nothing.
std::string distinct(std::int64_t requests, const std::string& tiers) {
  return testing::kTinyModel + testing::kMachine +
         fmt::format(R"(
serving: {{engine: {{num_gpu_blocks: 101}}}}
workload:
  max_requests: {}
  clients:
    - name: unique
      arrivals: {{process: deterministic, rate: 1 /s}}
      prompt: {{distribution: constant, value: 160}}
      output: {{distribution: constant, value: 1}}
)",
                     requests) +
         tiers;
}

// A tier that is written on eviction gets exactly what HBM evicts: nothing while the ten blocks of
// each request still fit into the hundred there are, and from then on ten for ten. One that is
// written through gets everything. (The one output token is never computed on: it has no block.)
TEST(TierRelations, OnEvictWritesWhatHbmEvicts) {
  const std::string on_evict = "tiers: [{name: ram, capacity: unlimited, write: back}]\n";
  const std::string through = "tiers: [{name: ram, capacity: unlimited}]\n";
  for (const std::int64_t requests : {1, 9, 10, 11, 30}) {
    SCOPED_TRACE(requests);
    const Result evicted = testing::run_yaml(distinct(requests, on_evict));
    const Result written = testing::run_yaml(distinct(requests, through));
    const std::int64_t excess = std::max<std::int64_t>(0, requests * 10 - 100);
    EXPECT_EQ(evicted.tiers[0].written, Bytes{excess * 4096});
    EXPECT_EQ(written.tiers[0].written, Bytes{requests * 10 * 4096});
  }
}

// Nothing moves faster than at once: on the same arrivals, links without latency and of unlimited
// bandwidth never serve the mean request later, however it waits for its loads. Ten seeds, since a
// single request may well be unlucky.
TEST(TierRelations, InstantLinksAreNeverSlower) {
  for (const std::string wait : {"park", "layerwise", "blocking"}) {
    for (const std::string medium : {"dram", "nvme", "network"}) {
      SCOPED_TRACE(wait + ", " + medium);
      const std::string yaml = fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 150, max_num_batched_tokens: 256, kv_layout: layer, load_wait: {}}}
  cost: {{backend: constant, per_step: 300 us, per_prefill_token: 4 us}}
tiers: [{{name: below, medium: {}, capacity: 3 MB}}]
workload:
  max_requests: 300
  clients:
    - name: open
      arrivals: {{process: poisson, rate: 60 /s}}
      prompt: {{distribution: uniform, min: 1, max: 40}}
      output: {{distribution: uniform, min: 1, max: 20}}
      content:
        kind: shared_prefix
        prompts: 30
        length: {{distribution: uniform, min: 50, max: 600}}
)",
                                           wait, medium);
      double slow = 0;
      double fast = 0;
      for (std::int64_t seed = 0; seed < 10; ++seed) {
        const auto total_ttft = [&](const std::string& machine) {
          const Result run =
              testing::run_seeded(testing::parse(testing::kTinyModel + machine + yaml), seed);
          EXPECT_GT(run.tiers.front().hits, Tokens{});
          double sum = 0;
          for (const Record& r : run.requests) sum += seconds(r.ttft());
          return sum;
        };
        slow += total_ttft(testing::kMachine);
        fast += total_ttft(testing::kInstantMachine);
      }
      EXPECT_LT(fast, slow);
    }
  }
}

}  // namespace
}  // namespace terrace
