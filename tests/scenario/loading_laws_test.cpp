// The network link as a station: requests whose whole prefix lies in a network tier, none of it in
// HBM, share the link fairly, so loads are customers of an M/G/1 queue with processor sharing. A
// load of s bytes over a link of B bytes/s then takes, on average and whatever the distribution of
// sizes (Kleinrock 1967),
//   E[T | s] = s / (B (1 - rho)).
//
// The trace visits every text once, which writes it to the tier, and from then on draws Poisson
// arrivals; sizes are drawn independently, texts of one size are visited in turn. A text comes back
// only after more others than HBM holds, so that it never hits there. Steps take 1 ns, loads
// milliseconds: loads begin on arrival, but for a part in a million.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::Interval;
using testing::kSeeds;
using testing::Record;
using testing::Result;

constexpr double kBandwidth = 100e6;  // bytes/s
constexpr double kRho = 0.7;
constexpr std::int64_t kBlock = 16;         // tokens
constexpr std::int64_t kBlockBytes = 4096;  // of the tiny model
constexpr std::int64_t kVisits = 9000;

/// Texts of one size and the part of requests that want one of them.
struct Size {
  std::int64_t blocks = 0;
  double part = 0;
  std::int64_t texts = 0;
};

double mean_bytes(const std::vector<Size>& sizes) {
  double sum = 0;
  for (const Size& size : sizes) sum += size.part * static_cast<double>(size.blocks * kBlockBytes);
  return sum;
}

/// One token more than whole blocks, so that all of them may hit.
std::string visit(std::int64_t at_ps, std::int64_t content, std::int64_t blocks) {
  return testing::trace_line(at_ps, {{content, blocks * kBlock + 1}}, 1);
}

std::string trace(const std::vector<Size>& sizes, std::int64_t seed) {
  std::string lines;
  std::int64_t now = 0;
  std::vector<std::int64_t> first;
  std::int64_t content = 1;
  for (const Size& size : sizes) {
    first.push_back(content);
    for (std::int64_t i = 0; i < size.texts; ++i) {
      lines += visit(now, content++, size.blocks);
      now += 20'000'000'000;  // long enough to write the longest
    }
  }
  Random random(static_cast<std::uint64_t>(seed), "loading laws");
  const double lambda = kRho * kBandwidth / mean_bytes(sizes);
  std::vector<std::int64_t> turn(sizes.size());
  for (std::int64_t i = 0; i < kVisits; ++i) {
    now += static_cast<std::int64_t>(exponential(random, 1 / lambda) * 1e12);
    const std::size_t k = random.uniform() < sizes[0].part ? 0 : sizes.size() - 1;
    lines += visit(now, first[k] + turn[k]++ % sizes[k].texts, sizes[k].blocks);
  }
  return lines;
}

Result load_all(const std::string& path) {
  return testing::run(
      testing::parse(testing::kTinyModel + testing::kMachine +
                         fmt::format(R"(
serving:
  engine: {{block_size: {}, num_gpu_blocks: 6000}}
  cost: {{backend: constant, per_step: 1 ns}}
tiers: [{{name: store, medium: network, capacity: unlimited}}]
output: {{timeseries_interval: 1 h}}
workload: {{trace: {{path: {}}}}}
)",
                                     kBlock, path),
                     {"hardware.network.bandwidth=100 MB/s", "hardware.network.latency=0 ps",
                      "hardware.network.store_read=1 TB/s", "hardware.network.store_write=1 TB/s",
                      "hardware.gpu.host_link.latency=0 ps"}));
}

/// Mean times of 32 seeds, by size: each within its 99.9 % Student interval of the law.
void check(const std::vector<Size>& sizes) {
  std::int64_t texts = 0;
  for (const Size& size : sizes) texts += size.texts;
  std::vector<std::vector<double>> means(sizes.size());
  for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
    const testing::TraceFile file(trace(sizes, seed));
    const Result run = load_all(file.path());
    std::vector<double> sums(sizes.size());
    std::vector<double> counts(sizes.size());
    for (std::size_t i = static_cast<std::size_t>(texts) + kVisits / 10; i < run.requests.size();
         ++i) {
      const Record& r = run.requests[i];
      ASSERT_EQ(r.hbm_hits, Tokens{0}) << r;
      ASSERT_EQ(r.tier_hits, r.prompt - Tokens{1}) << r;
      const std::size_t k = r.prompt.count() == sizes[0].blocks * kBlock + 1 ? 0 : sizes.size() - 1;
      sums[k] += seconds(r.part(TtftPart::kv_load));
      ++counts[k];
    }
    for (std::size_t k = 0; k < sizes.size(); ++k) means[k].push_back(sums[k] / counts[k]);
  }
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const double alone = static_cast<double>(sizes[k].blocks * kBlockBytes) / kBandwidth;
    const double theory = alone / (1 - kRho);
    const Interval loading = testing::interval(means[k]);
    EXPECT_TRUE(loading.holds(theory)) << loading << " s, theory " << theory;
    EXPECT_LT(loading.half, 0.05 * theory);
  }
}

TEST(SlowLoadingLaws, ProcessorSharingOfEqualLoads) { check({{24, 1, 400}}); }

TEST(SlowLoadingLaws, ProcessorSharingIsInsensitiveToSizes) {
  check({{8, 8.0 / 9, 1200}, {152, 1.0 / 9, 150}});  // the same mean, cv^2 = 3.6
}

}  // namespace
}  // namespace terrace
