#include "sim/fabric/hardware.hpp"

namespace terrace {

using config::at_least;
using config::between;
using config::kNotNegative;
using config::kPositive;
using config::Limits;

namespace {

constexpr Limits kPart{0, 1, true};  // of a peak
constexpr std::string_view kSources =
    "where each number comes from: field -> 'measured|fitted|datasheet|assumed: where'";

}  // namespace

void describe(config::Fields& f, DescriptorLaw& law) {
  f.required("small_fixed", law.small_fixed, "per copy of less than cutoff bytes", kNotNegative);
  f.required("small_bandwidth", law.small_bandwidth, "of the rest of such a copy", kPositive);
  f.required("cutoff", law.cutoff, "size of a copy from which the large pair applies",
             kNotNegative);
  f.required("large_fixed", law.large_fixed, "per copy of cutoff bytes or more", kNotNegative);
  f.required("large_bandwidth", law.large_bandwidth, "of the rest of such a copy", kPositive);
}

void describe(config::Fields& f, HostLinkSpec& link) {
  f.required("h2d", link.h2d, "host to one GPU, pinned memory, large copies, as achieved",
             kPositive);
  f.required("d2h", link.d2h, "one GPU to host, pinned memory, large copies, as achieved",
             kPositive);
  f.field("duplex", link.duplex, "both directions at once reach this part of h2d + d2h", kPart);
  f.required("latency", link.latency, "issue of a copy plus start of the DMA, before it flows",
             kNotNegative);
  f.object("descriptors", link.descriptors, "cost of many small copies, per GPU and direction",
           true);
}

void describe(config::Fields& f, EfficiencySpec& efficiency) {
  f.field("gemm_compute", efficiency.gemm_compute,
          "part of the peak rate of the weights' type that matrix products reach", kPart);
  f.field("gemm_memory", efficiency.gemm_memory,
          "part of peak memory bandwidth that matrix products reach", kPart);
  f.field("attention_compute", efficiency.attention_compute,
          "part of the peak bf16 rate that prefill attention reaches", kPart);
  f.field("attention_memory", efficiency.attention_memory,
          "part of peak memory bandwidth that decode attention reaches, reading KV", kPart);
  f.field("kernel_launch", efficiency.kernel_launch, "per kernel of a step, inside a CUDA graph",
          kNotNegative);
  f.field("step_overhead", efficiency.step_overhead, "host work per step that the GPU waits for",
          kNotNegative);
}

void describe(config::Fields& f, GpuSpec& gpu) {
  f.required("name", gpu.name, "what reports call it");
  f.field("sms", gpu.sms, "streaming multiprocessors; compute units of AMD, tensor cores of Gaudi",
          kNotNegative);
  f.required("memory", gpu.memory, "HBM of one GPU, as nvidia-smi shows it", kPositive);
  f.required("memory_bandwidth", gpu.memory_bandwidth, "HBM of one GPU, peak", kPositive);
  f.field("l2", gpu.l2, "last cache before the memory of one GPU", kNotNegative);
  f.required("bf16", gpu.bf16, "one GPU, peak, dense; fp16 runs at the same rate", kPositive);
  f.field("fp8", gpu.fp8, "one GPU, peak, dense; zero: no fp8 tensor cores", kNotNegative);
  f.field("nvlink", gpu.nvlink, "one GPU to its peers, one direction; zero: over the host link",
          kNotNegative);
  f.field("allreduce_latency", gpu.allreduce_latency,
          "of one small all-reduce within a tensor-parallel group", kNotNegative);
  f.object("host_link", gpu.host_link, "the link between one GPU and its host", true);
  f.object("efficiency", gpu.efficiency, "part of the peak that well-written kernels reach");
  f.text_map("sources", gpu.sources, kSources);
}

void describe(config::Fields& f, HostSpec& host) {
  f.required("name", host.name, "what reports call it");
  f.required("dram", host.dram, "of one host, all sockets", kPositive);
  f.required("dram_bandwidth", host.dram_bandwidth,
             "of one host, all sockets, as achieved; reads and writes added", kPositive);
  f.text_map("sources", host.sources, kSources);
}

void describe(config::Fields& f, SsdLaw& law) {
  f.required("latency", law.latency, "of one command at queue depth one, one drive", kNotNegative);
  f.required("stream", law.stream, "rate of one command's bytes after its latency", kPositive);
  f.required("iops", law.iops, "small commands per second of one drive at any depth", kPositive);
  f.required("bandwidth", law.bandwidth, "of one drive, large commands at any depth", kPositive);
  f.field("p", law.p, "sharpness of the knee between depth-bound and drive-bound", at_least(1));
}

void describe(config::Fields& f, SsdSpec& ssd) {
  f.required("name", ssd.name, "what reports call it");
  f.required("capacity", ssd.capacity, "of one drive", kPositive);
  f.object("read", ssd.read, "the closed-loop law of reads, one drive", true);
  f.object("write", ssd.write, "the closed-loop law of sustained writes, one drive", true);
  f.field("mix_penalty", ssd.mix_penalty,
          "k: a drive with a share f of its bytes written does 1 - 4*k*f*(1-f) of its work",
          between(0, 0.95));
  f.required("io_size", ssd.io_size, "large requests are split into commands of this size",
             kPositive);
  f.field("queue_depth", ssd.queue_depth, "commands that one transfer keeps outstanding per drive",
          at_least(1));
  f.field("dwpd", ssd.dwpd, "rated drive writes per day over the warranty", kPositive);
  f.text_map("sources", ssd.sources, kSources);
}

void describe(config::Fields& f, NetworkSpec& network) {
  f.required("name", network.name, "what reports call it");
  f.required("bandwidth", network.bandwidth, "of one host's NICs together, one direction",
             kPositive);
  f.required("latency", network.latency, "of one request, store included", kNotNegative);
  f.required("store_read", network.store_read, "of the whole store, shared by every host",
             kPositive);
  f.required("store_write", network.store_write, "of the whole store, shared by every host",
             kPositive);
  f.text_map("sources", network.sources, kSources);
}

}  // namespace terrace
