#include "sim/cost/roofline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cost/rooflines.hpp"

namespace terrace {
namespace {

using namespace tests;

// Against numbers from outside.

TEST(Roofline, DecodesLlama8bOnH200) {
  // 16 GB of weights at 4.8 TB/s take 3.35 ms; engines print about 200 tokens/s.
  const double step = milliseconds(roofline("llama-3.1-8b", "h200-sxm")->time(decoding(1, 1024)));
  EXPECT_GT(step, 3.4);
  EXPECT_LT(step, 5.5);
}

TEST(Roofline, PrefillsLlama8bOnH200) {
  // From kernel fits: 198 ms for 8192 tokens, 22 ms for 1024.
  const auto cost = roofline("llama-3.1-8b", "h200-sxm");
  EXPECT_NEAR(milliseconds(cost->time(Prefill(8192).batch())), 198, 0.15 * 198);
  EXPECT_NEAR(milliseconds(cost->time(Prefill(1024).batch())), 22, 0.25 * 22);
}

TEST(Roofline, PrefillsLlama70bOnFourH200) {
  // From kernel fits: 508 ms for 8192 tokens, with 0.75 of the GEMM rate for small shards.
  const double step =
      milliseconds(roofline("llama-3.1-70b", "h200-sxm", 4)->time(Prefill(8192).batch()));
  EXPECT_NEAR(step, 508, 0.2 * 508);
}

// By hand.

TEST(Roofline, DecodeByHand) {
  const auto cost = roofline(small_model(DenseMlp{512, true}), plain_gpu());
  // Everything waits for memory: weights once, what three tokens read and write, their KV.
  const double weights = kAttentionWeights + 10 * 3 * 256 * 512 + kHead;
  const double moved = kAttentionMoved + 10 * ((256 + 1024) + (512 + 256) + 2 * 256 + 512) + kEnds;
  const double kv = 10 * 2 * 64;
  expect_seconds(cost->time(decoding(3, 100)),
                 2 * (weights + 3 * (moved + kHeadMoved) + 300 * kv) / 1e9);
}

TEST(Roofline, PrefillByHand) {
  const auto cost = roofline(small_model(DenseMlp{512, false}), plain_gpu());
  // The products of 4000 tokens are bound by arithmetic, the LM head of one token by memory.
  const double weights = kAttentionWeights + 10 * 2 * 256 * 512;
  const double between = 10 * (2 * 256 + 256 + 64 + 2 * 256 + 512) + kEnds;
  const double pairs = 4000.0 * 1000 + 4000.0 * 4001 / 2;
  expect_seconds(cost->time(Prefill(4000, 1000).batch()),
                 2 * weights * 4000 / 1e11 + 10 * 4 * 256 * pairs / 1e11 +
                     2 * (4000 * between + kHead + kHeadMoved) / 1e9);

  Batch unfinished = Prefill(1, 5000).batch();
  unfinished.samples = 0;  // no LM head; reading the prefix outweighs attending to it
  const auto one_chunk = std::array{PrefillChunk{Tokens{1}, Tokens{5000}}};
  unfinished.prefills = one_chunk;
  const double moved = kAttentionMoved + 10 * ((256 + 512) + (512 + 256) + 2 * 256 + 512) + kEnds;
  expect_seconds(cost->time(unfinished), 2 * (weights + moved + 5001 * 10 * 2 * 64) / 1e9);
}

TEST(Roofline, AllReduceByHand) {
  GpuSpec gpu = plain_gpu();
  gpu.allreduce_latency = Duration{std::chrono::microseconds{5}};
  const ModelSpec model = small_model(DenseMlp{512, true});
  const auto with = roofline(model, gpu, 2);
  gpu.nvlink = Bandwidth{1e300};
  gpu.allreduce_latency = {};
  const auto without = roofline(model, gpu, 2);
  const double reduces = 2 * 10;
  const double sent = 2 * 0.5 * 256 * 2;   // 2 (n-1)/n of a token's hidden state
  const double gathered = 0.5 * 1000 * 2;  // (n-1)/n of its logits, once
  EXPECT_NEAR(seconds(with->time(decoding(7, 10)) - without->time(decoding(7, 10))),
              (reduces + 1) * 5e-6 + 7 * (reduces * sent + gathered) / 1e8, 1e-10);

  // Without NVLink a ring shares the host link with its other direction.
  gpu.nvlink = {};
  gpu.host_link.h2d = Bandwidth{3e7};
  gpu.host_link.d2h = Bandwidth{5e7};
  gpu.host_link.duplex = 0.5;
  const auto over_host = roofline(model, gpu, 2);
  EXPECT_NEAR(seconds(over_host->time(decoding(7, 10)) - without->time(decoding(7, 10))),
              7 * (reduces * sent + gathered) / 2e7, 1e-10);

  // A bridge joins so many GPUs, and no more than those.
  gpu.nvlink = Bandwidth{1e8};
  gpu.nvlink_gpus = 2;
  const auto pair = roofline(model, gpu, 2);
  EXPECT_NEAR(seconds(pair->time(decoding(7, 10)) - without->time(decoding(7, 10))),
              7 * (reduces * sent + gathered) / 1e8, 1e-10);
  gpu.nvlink_gpus = 1;
  EXPECT_EQ(roofline(model, gpu, 2)->time(decoding(7, 10)), over_host->time(decoding(7, 10)));
}

TEST(Roofline, OverheadsAreAdded) {
  GpuSpec gpu = plain_gpu();
  const ModelSpec model = small_model(DenseMlp{512, true});
  const Duration bare = roofline(model, gpu, 1)->time(decoding(1, 1));
  gpu.efficiency.step_overhead = Duration{std::chrono::milliseconds{1}};
  gpu.efficiency.kernel_launch = Duration{std::chrono::microseconds{2}};
  const Duration all = roofline(model, gpu, 1)->time(decoding(1, 1));
  EXPECT_NEAR(seconds(all - bare), 1e-3 + (10 * 9 + 4) * 2e-6, 1e-11);
}

TEST(Roofline, NarrowWeightsSaveBytesAndFp8SavesArithmetic) {
  ModelSpec model = small_model(DenseMlp{4096, true});
  GpuSpec gpu = plain_gpu();
  const auto times = [&](DType weights) {
    model.weight_dtype = weights;
    const auto cost = roofline(model, gpu, 1);
    return std::pair{cost->time(decoding(1, 1)), cost->time(Prefill(4096).batch())};
  };
  const auto [decode16, prefill16] = times(DType::bf16);
  const auto [decode8, prefill8] = times(DType::fp8);
  const auto [decode4, prefill4] = times(DType::int4);
  EXPECT_LT(decode8, decode16);
  EXPECT_LT(decode4, decode8);
  EXPECT_LT(prefill8, prefill16);
  EXPECT_EQ(prefill4, prefill16);  // computed in bf16
  gpu.fp8 = {};
  EXPECT_EQ(times(DType::fp8).second, prefill16);
}

// Laws.

struct Place {
  const char* model;
  const char* gpu;
  int tp;
};

constexpr Place kPlaces[] = {
    {"llama-3.1-8b", "h200-sxm", 1},  {"llama-3.1-8b", "rtx-4090", 1},
    {"llama-3.1-70b", "h100-sxm", 4}, {"qwen3-32b", "l40s", 2},
    {"deepseek-v3", "h200-sxm", 8},   {"falcon-7b", "a100-80-sxm", 1},
    {"opt-13b", "a100-80-sxm", 2},
};

TEST(Roofline, NeverFasterThanTheHardware) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::string(place.model) + " on " + place.gpu);
    const ModelSpec model = shipped_model(place.model);
    const GpuSpec gpu = shipped_gpu(place.gpu);
    const auto cost = roofline(model, gpu, place.tp);
    const auto kv = static_cast<double>(
        kv_bytes_per_token_per_gpu(model, DType::bf16, Parallel{place.tp}).count());
    const auto embedding = static_cast<double>(model.vocabulary * model.hidden);
    const double used = active_parameters(model) - (model.tied_embeddings ? 1 : 2) * embedding;
    const double peak = std::max(gpu.bf16.count(), gpu.fp8.count()) * place.tp;
    const double bandwidth = gpu.memory_bandwidth.count();
    const double weight_bytes = used * static_cast<double>(bits(model.weight_dtype)) / 8 / place.tp;
    for (const std::int64_t batch : {1, 8, 64, 512, 4096}) {
      for (const std::int64_t context : {1, 100, 10'000}) {
        const auto n = static_cast<double>(batch);
        const double step = seconds(cost->time(decoding(batch, context)));
        EXPECT_GE(step, 2 * n * used / peak);
        EXPECT_GE(step, (weight_bytes + n * static_cast<double>(context) * kv) / bandwidth);
        const double prefill = seconds(cost->time(Prefill(batch, context).batch()));
        EXPECT_GE(prefill, 2 * n * used / peak);
        EXPECT_GE(prefill, (weight_bytes + (n + static_cast<double>(context)) * kv) / bandwidth);
      }
    }
  }
}

TEST(Roofline, MonotoneInEveryInput) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::string(place.model) + " on " + place.gpu);
    const auto cost = roofline(place.model, place.gpu, place.tp);
    const auto time = [&](std::int64_t decodes, std::int64_t context, std::int64_t fresh,
                          std::int64_t prefix, std::int64_t samples) {
      const std::array chunks{PrefillChunk{Tokens{fresh}, Tokens{prefix}},
                              PrefillChunk{Tokens{64}, Tokens{1000}}};
      return cost->time({.decodes = decodes,
                         .decode_context = Tokens{context},
                         .prefills = chunks,
                         .samples = samples});
    };
    Duration decodes{};
    Duration context{};
    Duration fresh{};
    Duration prefix{};
    Duration samples{};
    for (std::int64_t x = 1; x <= 8192; x += 1 + x / 7) {
      const Duration now[] = {time(x, 100'000, 512, 0, 8), time(8, 97 * x, 512, 0, 8),
                              time(8, 1000, x, 300, 8), time(8, 1000, 512, 13 * x, 8),
                              time(8, 1000, 512, 0, x)};
      EXPECT_GE(now[0], decodes);
      EXPECT_GT(now[1], context);
      EXPECT_GE(now[2], fresh);
      EXPECT_GE(now[3], prefix);
      EXPECT_GE(now[4], samples);
      decodes = now[0], context = now[1], fresh = now[2], prefix = now[3], samples = now[4];
    }
  }
}

TEST(Roofline, TwoGpusPrefillNoSlowerThanOne) {
  for (const char* gpu : {"h200-sxm", "h100-sxm", "a100-80-sxm"}) {
    for (const char* model : {"llama-3.1-8b", "opt-13b", "qwen3-32b", "deepseek-v3"}) {
      const Prefill large(8192);
      EXPECT_LE(roofline(model, gpu, 2)->time(large.batch()),
                roofline(model, gpu, 1)->time(large.batch()))
          << model << " on " << gpu;
    }
  }
}

TEST(Roofline, NarrowKvIsReadFaster) {
  const auto wide = roofline("llama-3.1-8b", "h200-sxm", 1, DType::bf16);
  const auto narrow = roofline("llama-3.1-8b", "h200-sxm", 1, DType::fp8);
  const double wide_kv = seconds(wide->time(decoding(64, 9000)) - wide->time(decoding(64, 1000)));
  const double narrow_kv =
      seconds(narrow->time(decoding(64, 9000)) - narrow->time(decoding(64, 1000)));
  EXPECT_NEAR(wide_kv / narrow_kv, 2, 1e-6);
}

TEST(Roofline, ErrorBarsAreThoseOfTheDeviceWhereItWasMeasured) {
  GpuSpec gpu = plain_gpu();
  const Product product{.n = 1000, .k = 1000};
  const auto seconds_at = [&](Confidence end) {
    return seconds(roofline_kernels(gpu, end)->product(product, DType::bf16, 1).time);
  };
  EXPECT_NEAR(seconds_at(Confidence::high) / seconds_at(Confidence::base), 1.15, 1e-6);
  EXPECT_NE(roofline_kernels(gpu)->caveats().front().find("from datasheets"), std::string::npos);

  gpu.efficiency.product_error = 0.4;
  EXPECT_NEAR(seconds_at(Confidence::high) / seconds_at(Confidence::base), 1.4, 1e-6);
  EXPECT_EQ(roofline_kernels(gpu)->caveats().front(),
            "from a roofline fitted to measurements of this device, off by 40 % (products); "
            "assumed, not measured: decode, prefill");
  gpu.efficiency.decode_error = 0.1;
  gpu.efficiency.prefill_error = 0.2;
  EXPECT_EQ(roofline_kernels(gpu)->caveats().front(),
            "from a roofline fitted to measurements of this device, off by 40 % (products), "
            "10 % (decode), 20 % (prefill)");
}

}  // namespace
}  // namespace terrace
