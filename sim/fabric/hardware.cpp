#include "sim/fabric/hardware.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace terrace {

using config::at_least;
using config::between;
using config::kNotNegative;
using config::kPositive;
using config::Limits;

namespace {

constexpr Limits kPart{0, 1, true};  // of a peak

std::string text(Bytes size) { return config::Scalar<Bytes>::format(size); }

/// A number that `by_capacity` may have told already.
template <class T>
void told_or_required(config::Fields& f, std::string_view key, T& value, std::string_view doc) {
  if (config::Scalar<T>::magnitude(value) > 0) {
    f.field(key, value, doc, kPositive);
  } else {
    f.required(key, value, doc, kPositive);
  }
  f.may_be_missing(key);
}

/// What is told for the capacity, where nothing else was said. It comes before `read` and `write`
/// are read, so that what those say holds.
template <class T>
void preset(T& value, const std::optional<T>& told) {
  if (told && config::Scalar<T>::magnitude(value) == 0) value = *told;
}

void check_capacities(config::Fields& f, const SsdSpec& ssd) {
  const auto sold = [&](Bytes size) {
    return std::find(ssd.capacities.begin(), ssd.capacities.end(), size) != ssd.capacities.end();
  };
  if (!ssd.capacities.empty()) {
    const auto off = [&](Bytes size) { return std::abs((size - ssd.capacity).count()); };
    const Bytes nearest = *std::min_element(ssd.capacities.begin(), ssd.capacities.end(),
                                            [&](Bytes a, Bytes b) { return off(a) < off(b); });
    f.check(sold(ssd.capacity), "capacity",
            fmt::format("there is no {} of {}", ssd.name, text(ssd.capacity)),
            fmt::format("the nearest has {}", text(nearest)));
  }
  Bytes last;
  for (const SsdVariant& variant : ssd.by_capacity) {
    f.check(ssd.capacities.empty() || sold(variant.capacity), "by_capacity",
            fmt::format("{} is none of 'capacities'", text(variant.capacity)));
    f.check(variant.capacity > last, "by_capacity", "the smallest capacity must come first");
    last = variant.capacity;
  }
}

void apply_variant(SsdSpec& ssd) {
  const auto at = variant_of(ssd);
  if (!at) return;
  const SsdVariant& mine = ssd.by_capacity[*at];
  preset(ssd.read.bandwidth, mine.read_bandwidth);
  preset(ssd.read.iops, mine.read_iops);
  preset(ssd.write.bandwidth, mine.write_bandwidth);
  preset(ssd.write.iops, mine.write_iops);
}

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
  f.field("bus", link.bus, "what the link is called");
  f.field("line_rate", link.line_rate, "one direction, peak", kNotNegative);
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
  f.field("step_overhead", efficiency.step_overhead,
          "host work per step, which asynchronous scheduling hides", kNotNegative);
  f.field("prompt_layer_overhead", efficiency.prompt_layer_overhead,
          "host work per layer that the GPU waits for in steps with prompt tokens, besides");
  f.field("eager_all_reduce", efficiency.eager_all_reduce,
          "added to an all-reduce that no CUDA graph holds");
  f.field("product_error", efficiency.product_error,
          "mean error of these for matrix products, where they were measured; 0.15 if left out",
          kNotNegative);
  f.field("decode_error", efficiency.decode_error, "the same of decode attention; 0.08 if left out",
          kNotNegative);
  f.field("prefill_error", efficiency.prefill_error,
          "the same of prefill attention; 0.17 if left out", kNotNegative);
}

void describe(config::Fields& f, GpuSpec& gpu) {
  f.required("name", gpu.name, "what reports call it");
  f.field("architecture", gpu.architecture, "the maker's name of it, and what code is built for");
  f.field("sms", gpu.sms, "streaming multiprocessors; compute units of AMD, tensor cores of Gaudi",
          kNotNegative);
  f.required("memory", gpu.memory, "HBM of one GPU, as nvidia-smi shows it", kPositive);
  f.required("memory_bandwidth", gpu.memory_bandwidth, "HBM of one GPU, peak", kPositive);
  f.field("l2", gpu.l2, "last cache before the memory of one GPU", kNotNegative);
  f.required("bf16", gpu.bf16, "one GPU, peak, dense; fp16 runs at the same rate", kPositive);
  f.field("fp8", gpu.fp8, "one GPU, peak, dense; zero: no fp8 tensor cores", kNotNegative);
  f.field("fp4", gpu.fp4, "one GPU, peak, dense; zero: no fp4 tensor cores", kNotNegative);
  f.field("nvlink", gpu.nvlink, "one GPU to its peers, one direction; zero: over the host link",
          kNotNegative);
  f.field("nvlink_gpus", gpu.nvlink_gpus,
          "GPUs that nvlink joins at most, more talk over the host link; zero: any number",
          kNotNegative);
  f.field("allreduce_latency", gpu.allreduce_latency,
          "of one small all-reduce within a tensor-parallel group", kNotNegative);
  f.object("host_link", gpu.host_link, "the link between one GPU and its host", true);
  f.field("kernels", gpu.kernels,
          "its measured kernel times, a file of hwprofiles/kernels; a roofline if left out");
  f.object("efficiency", gpu.efficiency, "part of the peak that well-written kernels reach");
  f.field("power", gpu.power, "the most that one GPU may draw", kNotNegative);
  f.field("idle_power", gpu.idle_power, "of one GPU without work", kNotNegative);
  f.object("price", gpu.price, "of one GPU, with its share of the board");
  f.object("cloud", gpu.cloud, "rent of one GPU, with its share of the machine");
  describe_sources(f, gpu.sources);
}

void describe(config::Fields& f, HostSpec& host) {
  f.required("name", host.name, "what reports call it");
  f.field("memory_type", host.memory_type, "kind of the DRAM");
  f.field("sockets", host.sockets, "of processors, each a NUMA node", at_least(1));
  f.field("channels", host.channels, "of DRAM, per socket", kNotNegative);
  f.required("dram", host.dram, "of one host, all sockets", kPositive);
  f.field("dram_peak", host.dram_peak, "of one host, all sockets, peak", kNotNegative);
  f.required("dram_bandwidth", host.dram_bandwidth,
             "of one host, all sockets, as achieved; reads and writes added", kPositive);
  f.field("power", host.power, "of one host and its DRAM, without GPUs, drives and NICs",
          kNotNegative);
  f.object("dram_price", host.dram_price, "of DRAM modules");
  describe_sources(f, host.sources);
}

void describe(config::Fields& f, SsdLaw& law) {
  f.required("latency", law.latency, "of one command at queue depth one, one drive", kNotNegative);
  f.required("stream", law.stream, "rate of one command's bytes after its latency", kPositive);
  told_or_required(f, "iops", law.iops, "small commands per second of one drive at any depth");
  told_or_required(f, "bandwidth", law.bandwidth, "of one drive, large commands at any depth");
  f.field("p", law.p, "sharpness of the knee between depth-bound and drive-bound", at_least(1));
}

void describe(config::Fields& f, SsdVariant& variant) {
  f.required("capacity", variant.capacity, "of this and larger drives, up to the next entry",
             kPositive);
  f.field("read_bandwidth", variant.read_bandwidth, "read.bandwidth of such a drive", kPositive);
  f.field("read_iops", variant.read_iops, "read.iops of such a drive", kPositive);
  f.field("write_bandwidth", variant.write_bandwidth, "write.bandwidth of such a drive", kPositive);
  f.field("write_iops", variant.write_iops, "write.iops of such a drive", kPositive);
}

void describe(config::Fields& f, SsdSpec& ssd) {
  f.required("name", ssd.name, "what reports call it");
  f.field("nand", ssd.nand, "kind of its cells");
  f.field("bus", ssd.bus, "what it is attached by");
  f.field("line_rate", ssd.line_rate, "of its bus, one direction, peak", kNotNegative);
  f.required("capacity", ssd.capacity, "of one drive", kPositive);
  f.values("capacities", ssd.capacities, "that it is sold in; any if left out", false, kPositive);
  f.list("by_capacity", ssd.by_capacity,
         "what 'read' and 'write' leave open because it depends on the capacity");
  check_capacities(f, ssd);
  apply_variant(ssd);
  f.object("read", ssd.read, "the closed-loop law of reads, one drive", true);
  f.object("write", ssd.write, "the closed-loop law of sustained writes, one drive", true);
  f.field("mix_penalty", ssd.mix_penalty,
          "k: a drive with a share f of its bytes written does 1 - 4*k*f*(1-f) of its work",
          between(0, 0.95));
  f.required("io_size", ssd.io_size, "large requests are split into commands of this size",
             kPositive);
  f.field("queue_depth", ssd.queue_depth, "commands that one transfer keeps outstanding per drive",
          at_least(1));
  f.field("dwpd", ssd.dwpd, "rated drive writes per day over five years, random writes", kPositive);
  f.field("sequential_endurance", ssd.sequential_endurance,
          "it bears so many times as much if it is written sequentially", at_least(1));
  f.field("power", ssd.power, "of one drive at work", kNotNegative);
  f.field("idle_power", ssd.idle_power, "of one drive without work", kNotNegative);
  f.object("price", ssd.price, "of one drive, by its capacity");
  describe_sources(f, ssd.sources);
}

void describe(config::Fields& f, NetworkSpec& network) {
  f.required("name", network.name, "what reports call it");
  f.field("line_rate", network.line_rate, "of one host's NICs together, one direction, peak",
          kNotNegative);
  f.required("bandwidth", network.bandwidth, "of one host's NICs together, one direction",
             kPositive);
  f.required("latency", network.latency, "of one request, store included", kNotNegative);
  f.required("store_read", network.store_read, "of the whole store, shared by every host",
             kPositive);
  f.required("store_write", network.store_write, "of the whole store, shared by every host",
             kPositive);
  describe_sources(f, network.sources);
}

std::optional<std::size_t> variant_of(const SsdSpec& ssd) {
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < ssd.by_capacity.size(); ++i) {
    if (ssd.by_capacity[i].capacity <= ssd.capacity) at = i;
  }
  return at;
}

}  // namespace terrace
