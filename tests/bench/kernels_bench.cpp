// The CPU kernels beside what the machine can do at best: attention that decodes beside a stream
// that only reads, what computes beside a product of matrices by Eigen. Each iteration times both,
// one after the other, so that whatever else runs on the machine slows both.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include <Eigen/Core>
#include <benchmark/benchmark.h>

#include "kernels/cpu/cpu_set.hpp"
#include "sim/base/random.hpp"

namespace terrace::kernels {
namespace {

constexpr std::int64_t kPage = 16;
constexpr std::int64_t kCacheBytes = std::int64_t{1} << 29;

CpuSet& cpu() {
  static CpuSet set(static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U)));
  return set;
}

/// Random numbers of about [-2, 2], neither zero nor odd, of any type.
std::vector<std::byte> numbers(Element type, std::int64_t count) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count * bytes_of(type)));
  Random random(1, "bench");
  std::vector<float> some(4099);
  for (float& x : some) x = static_cast<float>(4 * random.uniform() - 2);
  with_elements(Array{type, bytes.data()}, [&]<class T>(T* out) {
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = round_to<T>(some[static_cast<std::size_t>(i) % some.size()]);
    }
  });
  return bytes;
}

/// CPU time of all threads: what others do on the machine is left out.
double seconds_of(const auto& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Times `work`, and beside it what it is compared with, as often as asked.
void compare(benchmark::State& state, const char* unit, double amount, double other_amount,
             const auto& work, const auto& other) {
  double time = 0;
  double other_time = 0;
  for (auto _ : state) {
    const double t = seconds_of(work);
    state.SetIterationTime(t);
    time += t;
    other_time += seconds_of(other);
  }
  const auto n = static_cast<double>(state.iterations());
  state.counters[unit] = n * amount / time * 1e-9;
  state.counters["best"] = n * other_amount / other_time * 1e-9;
  state.counters["share"] = (amount / time) / (other_amount / other_time);
}

/// Blocks in no order.
std::vector<std::int32_t> shuffled(std::int64_t count) {
  std::vector<std::int32_t> blocks(static_cast<std::size_t>(count));
  std::iota(blocks.begin(), blocks.end(), 0);
  Random random(1, "blocks");
  for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random.below(i)]);
  return blocks;
}

void compare_with_reading(benchmark::State& state, const std::vector<std::byte>& cache,
                          double bytes, const auto& work) {
  std::uint64_t sum = 0;
  const std::span<const std::uint64_t> words(reinterpret_cast<const std::uint64_t*>(cache.data()),
                                             cache.size() / 8);
  compare(state, "GBps", bytes, static_cast<double>(cache.size()), work, [&] {
    cpu().run(StreamRead{words, &sum});
    benchmark::DoNotOptimize(sum);
  });
}

void decode(benchmark::State& state, Element type, KvLayout layout, std::int64_t heads,
            std::int64_t kv_heads, std::int64_t dim, std::int64_t batch) {
  const std::int64_t token = 2 * kv_heads * dim * bytes_of(type);
  const std::int64_t blocks = kCacheBytes / (token * kPage);
  const std::int64_t length = blocks / batch * kPage;
  const std::vector<std::byte> cache = numbers(type, 2 * blocks * kPage * kv_heads * dim);
  const std::vector<std::byte> q = numbers(Element::bf16, batch * heads * dim);
  std::vector<std::byte> out(q.size());
  const std::vector<std::int32_t> table = shuffled(blocks / batch * batch);
  const std::vector<std::int32_t> lens(static_cast<std::size_t>(batch),
                                       static_cast<std::int32_t>(length));
  const PagedDecode op{{Element::bf16, q.data()},
                       heads,
                       paged_kv(layout, {type, cache.data()},
                                {type, cache.data() + cache.size() / 2}, kv_heads, kPage, dim),
                       {table, lens, blocks / batch},
                       1 / std::sqrt(static_cast<float>(dim)),
                       std::nullopt,
                       {Element::bf16, out.data()}};
  compare_with_reading(state, cache, static_cast<double>(batch * length * token),
                       [&] { cpu().run(op); });
}
constexpr auto kHnd = KvLayout::hnd;
constexpr auto kNhd = KvLayout::nhd;
BENCHMARK_CAPTURE(decode, mha_32_bf16, Element::bf16, kHnd, 32, 32, 128, 8)->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa_32_8_bf16, Element::bf16, kHnd, 32, 8, 128, 8)->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa_32_8_bf16_nhd, Element::bf16, kNhd, 32, 8, 128, 8)->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa_64_8_bf16, Element::bf16, kHnd, 64, 8, 128, 8)->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa_32_8_fp16, Element::fp16, kHnd, 32, 8, 128, 8)->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa_32_8_fp8, Element::fp8_e4m3, kHnd, 32, 8, 128, 8)->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa_32_8_fp32, Element::fp32, kHnd, 32, 8, 128, 8)->UseManualTime();
BENCHMARK_CAPTURE(decode, mqa_71_d64_bf16, Element::bf16, kHnd, 71, 1, 64, 8)->UseManualTime();

void mla_decode(benchmark::State& state, std::int64_t heads) {
  constexpr std::int64_t kBatch = 8;
  const std::int64_t blocks = kCacheBytes / 4 / (PagedLatent::kWidth * 2 * kPage);
  const std::int64_t length = blocks / kBatch * kPage;
  const auto cache = numbers(Element::bf16, blocks * kPage * PagedLatent::kWidth);
  const auto q = numbers(Element::bf16, kBatch * heads * PagedLatent::kWidth);
  std::vector<std::byte> out(static_cast<std::size_t>(kBatch * heads * PagedLatent::kLatent * 2));
  const std::vector<std::int32_t> table = shuffled(blocks / kBatch * kBatch);
  const std::vector<std::int32_t> lens(kBatch, static_cast<std::int32_t>(length));
  const MlaDecode op{{Element::bf16, q.data()},      heads, {{Element::bf16, cache.data()}, kPage},
                     {table, lens, blocks / kBatch}, 0.07F, {Element::bf16, out.data()}};
  const auto work = static_cast<double>(kBatch * length * heads * 2) *
                    (PagedLatent::kWidth + PagedLatent::kLatent);
  compare_with_reading(state, cache, static_cast<double>(kBatch * length * PagedLatent::kWidth * 2),
                       [&] { cpu().run(op); });
  state.counters["GFLOPs"] = benchmark::Counter(
      work * static_cast<double>(state.iterations()) * 1e-9, benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(mla_decode, heads_1, 1)->UseManualTime();
BENCHMARK_CAPTURE(mla_decode, heads_16, 16)->UseManualTime();
BENCHMARK_CAPTURE(mla_decode, heads_128, 128)->UseManualTime();

}  // namespace
}  // namespace terrace::kernels
