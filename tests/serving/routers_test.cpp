#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sim/serving/routers/policy.hpp"

namespace terrace {
namespace {

using std::chrono::milliseconds;

/// Replicas that have what the test says.
struct Fleet final : FleetView {
  struct Counts {
    std::int64_t waiting = 0;
    std::int64_t running = 0;
  };
  std::vector<Counts> counts;
  SimTime time{};

  [[nodiscard]] SimTime now() const override { return time; }
  [[nodiscard]] std::size_t replicas() const override { return counts.size(); }
  [[nodiscard]] std::int64_t requests(ReplicaId replica) const override {
    return counts[replica.index()].waiting + counts[replica.index()].running;
  }
  [[nodiscard]] std::int64_t running(ReplicaId replica) const override {
    return counts[replica.index()].running;
  }
  [[nodiscard]] Tokens backlog(ReplicaId) const override { return {}; }
  [[nodiscard]] std::int64_t held_blocks(ReplicaId) const override { return 0; }
  [[nodiscard]] std::int64_t cached_blocks(ReplicaId) const override { return 0; }
  [[nodiscard]] Tokens block_size() const override { return Tokens{16}; }
};

std::vector<std::size_t> choices(Router& router, const Fleet& fleet, int requests) {
  std::vector<std::size_t> all;
  for (int i = 0; i < requests; ++i) all.push_back(router.choose(fleet).index());
  return all;
}

TEST(Routers, VllmDpWeighsWhoWaitsFourfold) {
  Fleet fleet;
  fleet.counts = {{1, 3}, {0, 6}, {0, 9}};  // scores 7, 6, 9
  const auto router = make_router({"vllm_dp"});
  // Each one sent counts as waiting until the next count: 7 6 9, 7 10 9, 11 10 9, 11 10 13 ...
  EXPECT_EQ(choices(*router, fleet, 4), (std::vector<std::size_t>{1, 0, 2, 1}));
}

TEST(Routers, VllmDpGoesByWhatItCountedLast) {
  Fleet fleet;
  fleet.counts = {{0, 0}, {0, 0}};
  const auto router = make_router({"vllm_dp"});
  EXPECT_EQ(choices(*router, fleet, 3), (std::vector<std::size_t>{0, 1, 0}));  // 8 and 4 by now
  fleet.counts = {{0, 0}, {0, 50}};
  fleet.time += milliseconds(99);
  EXPECT_EQ(choices(*router, fleet, 1), (std::vector<std::size_t>{1}));
  fleet.time += milliseconds(1);
  EXPECT_EQ(choices(*router, fleet, 2), (std::vector<std::size_t>{0, 0}));
}

}  // namespace
}  // namespace terrace
