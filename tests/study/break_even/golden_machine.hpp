#pragma once

#include <cstdint>
#include <string>

#include "sim/scenario/scenario.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace::testing {

// The constants behind a table of load and recompute times of 2026-11: a GPU of 797 TFLOP/s in GEMM
// (an H200, measured), 676 in prefill attention, PCIe at 55 GB/s, drives of 12 GB/s; no latency, no
// memory bound, no work of the host.

constexpr double kUnlimited = 1e21;

struct GoldenModel {
  std::string name;
  std::int64_t gpus = 1;
  double gemm = 0;       // operations per second and GPU, bf16 or fp8 as the weights are
  double attention = 0;  // likewise
};

inline const GoldenModel kGolden8b{"llama-3.1-8b", 1, 797e12 * 0.85, 676e12 * 0.9};
inline const GoldenModel kGolden70b{"llama-3.1-70b", 4, 797e12 * 0.75, 676e12 * 0.85};
inline const GoldenModel kGoldenV3{"deepseek-v3", 8, 1208e12 * 0.45, 480e12};

/// What the table leaves out: it divides all weights by the GPUs, but the projections down to
/// DeepSeek's latents, and its routers, are the same on each.
inline Duration replicated_work(const GoldenModel& golden, std::int64_t tokens) {
  if (golden.name != kGoldenV3.name) return {};
  const double weights = 61.0 * 7168 * (1536 + 576) + 58.0 * 7168 * 256;
  const double spared = 1 - 1 / static_cast<double>(golden.gpus);
  return duration_from_seconds(static_cast<double>(tokens) * 2 * weights * spared / golden.gemm);
}

inline Scenario golden_machine(const GoldenModel& golden) {
  Scenario s = parse("model: " + golden.name + R"(
hardware: {gpu: h200-sxm, host: dual-ddr5-5600-8ch, ssd: solidigm-d7-ps1010, network: rdma-400g-3fs}
serving: {tensor_parallel: )" +
                     std::to_string(golden.gpus) + R"(,
          engine: {enable_prefix_caching: false, max_num_batched_tokens: 1000000}}
workload:
  max_requests: 1
  clients:
    - name: one
      arrivals: {process: poisson, rate: 1 /s}
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
)");
  s.hardware.kernels.reset();
  GpuSpec& gpu = s.hardware.gpu;
  // Were it what it is, DeepSeek's latents, that are expanded in bf16, would cost what the table
  // leaves out.
  const bool fp8 = s.model.weight_dtype == DType::fp8;
  gpu.bf16 = FlopRate{fp8 ? kUnlimited : golden.gemm};
  gpu.fp8 = FlopRate{fp8 ? golden.gemm : 0};
  gpu.efficiency = {};
  gpu.efficiency.attention_compute = golden.attention / gpu.bf16.count();
  gpu.memory_bandwidth = gpu.nvlink = Bandwidth{kUnlimited};
  gpu.allreduce_latency = {};
  gpu.host_link.h2d = gpu.host_link.d2h = Bandwidth{55e9};
  gpu.host_link.latency = {};
  gpu.host_link.descriptors = {{}, Bandwidth{6.3e9}, Bytes{28 << 10}, {}, Bandwidth{kUnlimited}};
  s.hardware.host.dram_bandwidth = Bandwidth{kUnlimited};
  SsdSpec& ssd = *s.hardware.ssd;
  ssd.read = {{}, Bandwidth{kUnlimited}, kUnlimited, Bandwidth{12e9}, 1};
  NetworkSpec& network = *s.hardware.network;
  network.latency = {};
  network.bandwidth = Bandwidth{46e9};
  network.store_read = Bandwidth{kUnlimited};
  return s;
}

}  // namespace terrace::testing
