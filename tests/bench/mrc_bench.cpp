// Miss-ratio curves against their budgets: 50 M Zipf(1.0) accesses to 5 M blocks, 500,000 cached.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/study/mrc/lru_curve.hpp"
#include "sim/study/mrc/replay.hpp"
#include "sim/study/mrc/shards.hpp"

namespace terrace {
namespace {

constexpr std::size_t kAccesses = 50'000'000;
constexpr std::uint64_t kIds = 5'000'000;
constexpr std::int64_t kCached = 500'000;

const auto kGoOn = [](std::uint64_t) { return true; };

/// Requests of sixteen blocks each.
const BlockStream& zipf_stream() {
  static const BlockStream kStream = [] {
    BlockStream stream{Tokens{1}};
    stream.contents = kIds;
    Random random(1, "bench");
    const Zipf popularity(kIds, 1.0);
    stream.accesses.reserve(kAccesses);
    stream.requests.reserve(kAccesses / 16);
    for (std::size_t i = 1; i <= kAccesses; ++i) {
      stream.accesses.emplace_back(popularity.draw(random));
      if (i % 16 == 0) stream.requests.push_back({SimTime{}, i, i, Tokens{16}, Tokens{1}});
    }
    return stream;
  }();
  return kStream;
}

/// What a reader compares: nanoseconds per access and, if there is a budget, the part that was
/// used.
void per_access(benchmark::State& state, std::optional<double> budget_ns) {
  const double all = kAccesses * 1e-9;
  const auto inverted = benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert;
  state.counters["ns"] = benchmark::Counter(all, inverted);
  if (!budget_ns) return;
  state.counters["budget_ns"] = *budget_ns;
  state.counters["used"] = benchmark::Counter(all * *budget_ns, inverted);
}

void mrc_exact_lru(benchmark::State& state) {
  const BlockStream& stream = zipf_stream();
  for (auto _ : state) benchmark::DoNotOptimize(LruCurve(stream, kGoOn).at(kCached));
  per_access(state, 200);
}
BENCHMARK(mrc_exact_lru)->Iterations(1)->Unit(benchmark::kMillisecond);

void mrc_shards(benchmark::State& state) {
  const BlockStream& stream = zipf_stream();
  for (auto _ : state) {
    benchmark::DoNotOptimize(ShardsCurve(stream, {0.01, 0, 1}, kGoOn).at(kCached));
  }
  per_access(state, 20);
}
BENCHMARK(mrc_shards)->Iterations(1)->Unit(benchmark::kMillisecond);

std::optional<double> budget_ns(std::string_view policy) {
  static const std::set<std::string_view> kSimple = {"lru", "fifo", "clock", "sieve"};
  static const std::set<std::string_view> kOthers = {"arc", "s3fifo", "2q", "slru"};
  if (kSimple.contains(policy)) return 35;
  if (kOthers.contains(policy)) return 70;
  return std::nullopt;
}

/// Every registered policy that a replay can serve and that sees no future.
const bool kReplays = [] {
  for (const EvictionVariant& policy : eviction_policies()) {
    const FactNeeds needs = policy.recipe()->needs();
    if (!lacking_facts(needs).empty() || any_of(needs, FactNeeds::future)) continue;
    const auto run = [policy](benchmark::State& state) {
      const BlockStream& stream = zipf_stream();
      const auto recipe = policy.recipe();
      ReplayOptions options;
      options.capacity = kCached;
      for (auto _ : state) benchmark::DoNotOptimize(replay(stream, *recipe, options, kGoOn));
      per_access(state, budget_ns(policy.name));
    };
    benchmark::RegisterBenchmark(("mrc_replay/" + std::string(policy.name)).c_str(), run)
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
}  // namespace terrace
