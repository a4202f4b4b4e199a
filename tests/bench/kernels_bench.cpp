// The CPU kernels beside what the machine can do at best: `share` is the part that is reached.
// On all threads: attention that decodes beside a stream that reads as many bytes. On one thread:
// copies beside one memcpy, what computes beside a product of matrices by Eigen, compiled as we
// are. Each iteration does both, and counts the CPU time of all threads, so that others on the
// machine disturb the shares least.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <numeric>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <Eigen/Core>
#include <benchmark/benchmark.h>

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cpu/float_buffer.hpp"
#include "sim/base/random.hpp"

namespace terrace::kernels {
namespace {

constexpr std::int64_t kPage = 16;
constexpr std::int64_t kCacheBytes = std::int64_t{1} << 29;  // more than caches of cores hold

CpuSet& all_threads() {
  static CpuSet set(static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U)));
  return set;
}
CpuSet& one_thread() {
  static CpuSet set(1);
  return set;
}

/// Elements that begin on a cache line, as the memory of engines does.
struct Numbers {
  Element type;
  std::int64_t count;
  cpu::FloatBuffer memory;

  /// Random numbers in [-2, 2).
  Numbers(Element type_, std::int64_t count_)
      : type(type_), count(count_), memory(count_ * bytes_of(type_) / 4 + 1) {
    Random random(1, "bench");
    std::vector<float> some(4099);
    for (float& x : some) x = static_cast<float>(4 * random.uniform() - 2);
    with_elements(view(), [&]<class T>(T* out) {
      for (std::int64_t i = 0; i < count; ++i) {
        out[i] = round_to<T>(some[static_cast<std::size_t>(i) % some.size()]);
      }
    });
  }
  [[nodiscard]] Array view() { return {type, memory.data()}; }
  [[nodiscard]] ConstArray view() const { return {type, memory.data()}; }
  [[nodiscard]] std::span<std::byte> bytes() const {
    return std::as_writable_bytes(
        std::span(memory.data(), static_cast<std::size_t>(count * bytes_of(type) / 4)));
  }
};

/// CPU seconds of all threads.
double seconds_of(auto&& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Does `work` and what it is compared with; amounts are bytes or operations.
void compare(benchmark::State& state, double amount, double best_amount, const auto& work,
             auto&& best) {
  double time = 0;
  double best_time = 0;
  for (auto _ : state) {
    const double t = seconds_of(work);
    state.SetIterationTime(t);
    time += t;
    best_time += seconds_of(best);
  }
  const auto n = static_cast<double>(state.iterations());
  state.counters["giga_per_s"] = n * amount / time * 1e-9;
  state.counters["best"] = n * best_amount / best_time * 1e-9;
  state.counters["share"] = amount / time / (best_amount / best_time);
}

void compare_with_reading(benchmark::State& state, std::span<const std::byte> cache, double bytes,
                          const auto& work) {
  std::uint64_t sum = 0;
  const std::span words(reinterpret_cast<const std::uint64_t*>(cache.data()), cache.size() / 8);
  compare(state, bytes, static_cast<double>(cache.size()), work, [&] {
    all_threads().run(StreamRead{words, &sum});
    benchmark::DoNotOptimize(sum);
  });
}

/// Multiplies matrices of fp32 that fit in a core's cache, one thread: what its vectors can do as
/// Eigen was compiled.
class EigenProduct {
 public:
  static constexpr std::int64_t kSize = 384;
  static constexpr double kOperations = 2.0 * kSize * kSize * kSize;
  void operator()() {
    c_.noalias() = a_ * b_.transpose();
    benchmark::DoNotOptimize(c_.data());
  }

 private:
  Eigen::MatrixXf a_ = Eigen::MatrixXf::Random(kSize, kSize);
  Eigen::MatrixXf b_ = Eigen::MatrixXf::Random(kSize, kSize);
  Eigen::MatrixXf c_{kSize, kSize};
};

/// Blocks in no order.
std::vector<std::int32_t> shuffled(std::int64_t count) {
  std::vector<std::int32_t> blocks(static_cast<std::size_t>(count));
  std::iota(blocks.begin(), blocks.end(), 0);
  Random random(1, "blocks");
  for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random.below(i)]);
  return blocks;
}

struct Shape {
  Element type = Element::bf16;
  std::int64_t heads = 32;
  std::int64_t kv_heads = 8;
  std::int64_t dim = 128;
  KvLayout layout = KvLayout::hnd;
};

/// A cache of one layer, shared evenly by `batch` sequences.
struct Cache {
  Shape shape;
  std::int64_t blocks;  // of a sequence
  std::vector<std::int32_t> table, lens;
  Numbers keys, values;

  Cache(const Shape& s, std::int64_t batch, std::int64_t bytes)
      : shape(s),
        blocks(bytes / (2 * kPage * s.kv_heads * s.dim * bytes_of(s.type)) / batch),
        table(shuffled(blocks * batch)),
        lens(static_cast<std::size_t>(batch), static_cast<std::int32_t>(blocks * kPage)),
        keys(s.type, blocks * batch * kPage * s.kv_heads * s.dim),
        values(s.type, keys.count) {}

  [[nodiscard]] PagedKv kv() const {
    return paged_kv(shape.layout, keys.view(), values.view(), shape.kv_heads, kPage, shape.dim);
  }
  [[nodiscard]] BlockTable view() const { return {table, lens, blocks}; }
};

void decode(benchmark::State& state, const Shape& shape) {
  constexpr std::int64_t kBatch = 8;
  const Cache cache(shape, kBatch, kCacheBytes);
  const Numbers q(Element::bf16, kBatch * shape.heads * shape.dim);
  Numbers out(Element::bf16, q.count);
  const PagedDecode op{q.view(),
                       shape.heads,
                       cache.kv(),
                       cache.view(),
                       1 / std::sqrt(static_cast<float>(shape.dim)),
                       std::nullopt,
                       out.view()};
  const auto bytes = cache.keys.bytes();
  compare_with_reading(state, bytes, 2 * static_cast<double>(bytes.size()),
                       [&] { all_threads().run(op); });
}
BENCHMARK_CAPTURE(decode, mha_bf16, {Element::bf16, 32, 32, 128})->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa4_bf16, {Element::bf16, 32, 8, 128})->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa4_bf16_nhd, {Element::bf16, 32, 8, 128, KvLayout::nhd})
    ->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa8_bf16, {Element::bf16, 64, 8, 128})->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa4_fp32, {Element::fp32, 32, 8, 128})->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa4_fp16, {Element::fp16, 32, 8, 128})->UseManualTime();
BENCHMARK_CAPTURE(decode, gqa4_fp8, {Element::fp8_e4m3, 32, 8, 128})->UseManualTime();

/// Bound by computing: operations, beside those of a product.
void mla_decode(benchmark::State& state) {
  constexpr std::int64_t kBatch = 4;
  constexpr std::int64_t kBlocks = 64;
  const std::int64_t heads = state.range(0);
  const Numbers latents(Element::bf16, kBatch * kBlocks * kPage * PagedLatent::kWidth);
  const Numbers q(Element::bf16, kBatch * heads * PagedLatent::kWidth);
  Numbers out(Element::bf16, kBatch * heads * PagedLatent::kLatent);
  const std::vector<std::int32_t> table = shuffled(kBatch * kBlocks);
  const std::vector<std::int32_t> lens(kBatch, kBlocks * kPage);
  const MlaDecode op{q.view(), heads,     {latents.view(), kPage}, {table, lens, kBlocks},
                     0.07F,    out.view()};
  const double work = 2.0 * static_cast<double>(kBatch * kBlocks * kPage * heads) *
                      (PagedLatent::kWidth + PagedLatent::kLatent);
  compare(
      state, work, EigenProduct::kOperations, [&] { one_thread().run(op); }, EigenProduct{});
}
BENCHMARK(mla_decode)->Arg(16)->Arg(128)->UseManualTime();

void prefill(benchmark::State& state) {
  constexpr std::int64_t kNew = 256;
  const Shape shape;
  const Cache cache(shape, 1, 1024 * 2 * shape.kv_heads * shape.dim * 2);
  const std::vector<std::int32_t> indptr{0, kNew};
  const Numbers q(Element::bf16, kNew * shape.heads * shape.dim);
  Numbers out(Element::bf16, q.count);
  const PagedPrefill op{q.view(),     indptr, shape.heads,  cache.kv(),
                        cache.view(), 0.09F,  std::nullopt, out.view()};
  const double seen = kNew * (1024 - kNew) + kNew * (kNew + 1) / 2;
  const double work = 4 * seen * static_cast<double>(shape.heads * shape.dim);
  compare(
      state, work, EigenProduct::kOperations, [&] { one_thread().run(op); }, EigenProduct{});
}
BENCHMARK(prefill)->UseManualTime();

void gemm(benchmark::State& state, Element type) {
  constexpr std::int64_t kN = 1024;
  constexpr std::int64_t kK = 2048;
  const std::int64_t m = state.range(0);
  const Numbers a(type, m * kK);
  const Numbers b(type, kN * kK);
  Numbers c(Element::fp32, m * kN);
  const Gemm op{a.view(), b.view(), c.view(), m, kN, kK};
  compare(
      state, 2.0 * static_cast<double>(m * kN * kK), EigenProduct::kOperations,
      [&] { one_thread().run(op); }, EigenProduct{});
}
BENCHMARK_CAPTURE(gemm, fp32, Element::fp32)->Arg(1)->Arg(16)->Arg(256)->UseManualTime();
BENCHMARK_CAPTURE(gemm, bf16, Element::bf16)->Arg(1)->Arg(16)->Arg(256)->UseManualTime();

/// Beside one memcpy, so large that it writes past the caches.
void compare_with_copying(benchmark::State& state, const Numbers& from, const Numbers& to,
                          const auto& work) {
  const auto amount = static_cast<double>(from.bytes().size());
  compare(state, amount, amount, work, [&] {
    std::memcpy(to.bytes().data(), from.bytes().data(), from.bytes().size());
    benchmark::DoNotOptimize(to.memory.data());
  });
}

void stream_copy(benchmark::State& state) {
  const Numbers from(Element::fp32, kCacheBytes / 8);
  const Numbers to(Element::fp32, from.count);
  compare_with_copying(state, from, to, [&] {
    one_thread().run(StreamCopy{from.bytes(), to.bytes()});
  });
}
BENCHMARK(stream_copy)->UseManualTime();

void block_gather(benchmark::State& state) {
  const terrace::Bytes fragment{state.range(0)};
  const Numbers pool(Element::fp32, kCacheBytes / 8);
  const Numbers staging(Element::fp32, pool.count);
  const auto blocks =
      shuffled(static_cast<std::int64_t>(pool.bytes().size()) / (2 * fragment.count()));
  const BlockFragments fragments{fragment, 2, fragment * 2, fragment};
  compare_with_copying(state, pool, staging, [&] {
    one_thread().run(BlockGather{pool.bytes().data(), fragments, blocks, staging.bytes()});
  });
}
BENCHMARK(block_gather)->Arg(4096)->Arg(32768)->UseManualTime();

}  // namespace
}  // namespace terrace::kernels
