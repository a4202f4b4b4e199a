// Random scenarios of every kind, run to the end. The simulator's own invariants are on; on top of
// them, every request is accounted for, and all books that are kept twice agree.

#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/scenario/random_scenario.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::Record;
using testing::Result;

void check_request(const Record& r) {
  RC_ASSERT(r.arrived >= SimTime{});
  RC_ASSERT(r.finished >= r.arrived);
  if (r.rejection != Rejection::none) return;
  Duration sum{};
  for (const Duration part : r.parts) {
    RC_ASSERT(part >= Duration::zero());
    sum += part;
  }
  RC_ASSERT(sum == r.ttft());
  RC_ASSERT(r.first_token > r.arrived);
  RC_ASSERT((r.output == Tokens{1}) == (r.finished == r.first_token));
  RC_ASSERT(r.hbm_hits + r.tier_hits < r.prompt);  // one token is left to compute
  RC_ASSERT((r.part(TtftPart::other) == Duration::zero()) || r.preemptions > 0);
  RC_ASSERT((r.part(TtftPart::kv_load) == Duration::zero()) || r.tier_hits > Tokens{} ||
            r.preemptions > 0);
}

std::int64_t carried(const Result& run, std::string_view links) {
  std::int64_t sum = 0;
  for (const auto& [name, bytes] : run.links) {
    if (name.ends_with(links)) sum += bytes.count();
  }
  return sum;
}

bool is_fed(const TierSpec& tier) {
  return tier.write == WriteRule::through || tier.write == WriteRule::selective;
}

/// HBM writes to the first tier that is fed with what is computed, and what it evicts to the tier
/// below it if that wants it; all other writes come from tiers.
std::int64_t written_by_hbm(const Result& run) {
  std::int64_t sum = 0;
  for (std::size_t t = 0; t < run.tiers.size(); ++t) {
    const bool fed = is_fed(run.tier_specs[t]);
    if (fed || t == 0) sum += run.tiers[t].written.count();
    if (fed) break;
  }
  return sum;
}

void check_books(const Result& run) {
  std::int64_t output = 0;
  std::int64_t hbm_hits = 0;
  std::int64_t tier_hits = 0;
  std::int64_t prompt = 0;
  std::int64_t recomputed = 0;
  std::int64_t preemptions = 0;
  std::int64_t rejected = 0;
  for (const Record& r : run.requests) {
    check_request(r);
    if (r.rejection != Rejection::none) {
      ++rejected;
      continue;
    }
    prompt += r.prompt.count();
    output += r.output.count();
    hbm_hits += r.hbm_hits.count();
    tier_hits += r.tier_hits.count();
    recomputed += r.recomputed.count();
    preemptions += r.preemptions;
  }
  RC_ASSERT(rejected == run.rejected);
  RC_ASSERT(run.tokens == output);
  RC_ASSERT(run.hbm.hits.count() == hbm_hits);
  RC_ASSERT(run.hbm.requests == run.finished);
  RC_ASSERT(run.hbm.lookups.count() == prompt);
  // What no cache had was computed. What was lost to preemption may be computed again, and with it
  // the token generated last; or others have computed it meanwhile, and it is found.
  const std::int64_t missed = prompt - hbm_hits - tier_hits;
  RC_ASSERT(preemptions > 0 || run.prompt_tokens == missed);
  RC_ASSERT(run.prompt_tokens <= missed + recomputed + preemptions);

  std::int64_t lookups = run.hbm.lookups.count() - run.hbm.hits.count();
  std::int64_t found = 0;
  std::int64_t found_bytes = 0;
  std::int64_t read = 0;
  for (const TierCounters& tier : run.tiers) {
    RC_ASSERT(tier.lookups.count() == lookups);
    RC_ASSERT(tier.hits <= tier.lookups);
    RC_ASSERT(tier.load_time >= Duration::zero());
    lookups -= tier.hits.count();
    found += tier.hits.count();
    found_bytes += tier.hit_blocks * run.dimensions.block_bytes.count();
    read += tier.read.count();
    RC_ASSERT(tier.prefetch_used + tier.prefetch_unused <= tier.prefetched_blocks);
    RC_ASSERT(tier.prefetches_stopped <= tier.prefetches);
    RC_ASSERT(tier.prefetched == run.dimensions.block_bytes * tier.prefetched_blocks);
  }
  RC_ASSERT(found == tier_hits);
  RC_ASSERT((preemptions > 0 ? read >= found_bytes : read == found_bytes));
  RC_ASSERT(carried(run, ".h2d") == read);
  RC_ASSERT(carried(run, ".d2h") == written_by_hbm(run));
  for (std::size_t t = 0; t < run.tiers.size(); ++t) {
    const TierCounters& c = run.tiers[t];
    const TierSpec& spec = run.tier_specs[t];
    const std::int64_t block = run.dimensions.block_bytes.count();
    RC_ASSERT(c.written.count() % block == 0 && c.read.count() % block == 0);
    RC_ASSERT(spec.write_queue.when_full == WhenFull::drop_oldest || c.writes_dropped == 0);
    RC_ASSERT(c.written.count() == 0 || spec.admission.name() != "never");
  }
  for (std::size_t i = 0; i < run.capacity.size(); ++i) {
    RC_ASSERT(run.peak_occupied[i] <= run.capacity[i]);
  }
}

TEST(SlowSoak, EveryScenarioFinishesAndItsBooksBalance) {
  testing::check_scenarios(1, 2000, [](const testing::RandomScenario& scenario) {
    const Result run = testing::run_yaml(scenario.yaml());
    RC_ASSERT(run.complete);
    RC_ASSERT(run.came == run.finished + run.rejected);
    RC_ASSERT(run.came == static_cast<std::int64_t>(run.requests.size()));
    RC_ASSERT(run.stepping == run.busy);
    check_books(run);
  });
}

// Below a DRAM of a few blocks everything is on a drive, so that prefetches meet each other, find
// no room, evict what they brought, and are overtaken.
TEST(SlowSoak, PrefetchesEndWhateverTheyMeet) {
  std::uint64_t seed = 10;
  std::int64_t moved = 0;
  std::int64_t stopped = 0;
  std::int64_t unused = 0;
  for (const char* rule :
       {"{policy: queue, batch: 3}", "{policy: queue, window: 5}",
        "{policy: on_arrival, min_tokens: 1, batch: 2}",
        "{policy: on_arrival, min_tokens: 1, batch: 4, stop: wait_complete}",
        "{policy: on_arrival, min_tokens: 1, batch: 1, stop: timeout, timeout_base: 100 us}",
        "{policy: next_turn, min_samples: 1, batch: 2, lead: 5 ms}"}) {
    for (const char* ram : {"20 kB", "60 kB", "200 kB"}) {
      testing::check_scenarios(++seed, 60, [&](const testing::RandomScenario& random) {
        const bool sessions = random.workload.find("conversation") != std::string::npos;
        if (random.tiers.empty() ||
            (std::string_view(rule).find("next") != std::string::npos && !sessions))
          return;
        testing::RandomScenario scenario = random;
        scenario.tiers = std::string("tiers:\n  - {name: ram, capacity: ") + ram +
                         ", write: back, admission: never}\n"
                         "  - {name: drive, medium: nvme, capacity: unlimited, prefetch: " +
                         rule + "}\n";
        const Result run = testing::run_yaml(scenario.yaml());
        RC_ASSERT(run.complete);
        RC_ASSERT(run.came == run.finished + run.rejected);
        check_books(run);
        moved += run.tiers[1].prefetched_blocks;
        stopped += run.tiers[1].prefetches_stopped;
        unused += run.tiers[1].prefetch_unused;
      });
    }
  }
  EXPECT_GT(moved, 1000);
  EXPECT_GT(stopped, 100);
  EXPECT_GT(unused, 100);
}

}  // namespace
}  // namespace terrace
