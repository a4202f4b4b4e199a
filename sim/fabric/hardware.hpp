#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"
#include "sim/fabric/number_source.hpp"
#include "sim/fabric/price.hpp"

namespace terrace {

// What hwprofiles/ holds: one struct per folder. Rates are what software gets, not what the line
// carries, unless the field says peak. A number that is zero, where none is required, is not known.

/// Cost of many small copies: a descriptor of s bytes takes `fixed + s / bandwidth`; from `cutoff`
/// bytes on the second pair applies (measured for cuMemcpyBatchAsync, vLLM pull request 42212).
struct DescriptorLaw {
  Duration small_fixed{};
  Bandwidth small_bandwidth;
  Bytes cutoff;
  Duration large_fixed{};
  Bandwidth large_bandwidth;
};

/// The link between one GPU and its host.
struct HostLinkSpec {
  std::string bus;      // "PCIe 5.0 x16"
  Bandwidth line_rate;  // one direction, what the line carries
  Bandwidth h2d;        // pinned memory, large copies
  Bandwidth d2h;
  double duplex = 1;   // both directions together reach duplex * (h2d + d2h)
  Duration latency{};  // issue of a copy plus start of the DMA
  DescriptorLaw descriptors;
};

/// Part of the peak that good kernels reach, for a roofline; the host's work, for all step times.
struct EfficiencySpec {
  double gemm_compute = 1;       // of the peak rate of the weights' type
  double gemm_memory = 1;        // of peak memory bandwidth
  double attention_compute = 1;  // prefill
  double attention_memory = 1;   // decode, reading KV
  Duration kernel_launch{};      // per kernel of a step, inside a CUDA graph
  Duration step_overhead{};      // host work per step; hidden by asynchronous scheduling
  // The same of a step with prompt tokens, besides, for each layer: between the graphs of two
  // layers the host launches the attention of unequal chunks by itself.
  Duration prompt_layer_overhead{};
  Duration eager_all_reduce{};  // added to an all-reduce that no CUDA graph holds
  // How far a roofline with these was off on this device, on average; as predictions of GPUs that
  // were not measured are, if it is not known.
  std::optional<double> product_error;
  std::optional<double> decode_error;
  std::optional<double> prefill_error;
};

struct GpuSpec {
  std::string name;
  std::string architecture;      // "Hopper, sm_90"
  std::int64_t sms = 0;          // streaming multiprocessors, or what the maker calls them
  Bytes memory;                  // what nvidia-smi shows
  Bandwidth memory_bandwidth;    // peak
  Bytes l2;                      // the last cache before memory
  FlopRate bf16;                 // peak, dense; fp16 runs at the same rate
  FlopRate fp8;                  // peak, dense; zero if the GPU has no fp8 tensor cores
  FlopRate fp4;                  // likewise
  Bandwidth nvlink;              // one direction, to a peer; zero: peers talk over the host link
  std::int64_t nvlink_gpus = 0;  // that it joins at most; zero: as many as there are
  Duration allreduce_latency{};
  HostLinkSpec host_link;
  EfficiencySpec efficiency;
  std::string kernels;  // their measured times: a file of hwprofiles/kernels; empty: a roofline
  Power power;          // the most it is allowed to draw
  Power idle_power;
  std::optional<PriceRange<Dollars>> price;
  std::optional<PriceRange<DollarsPerHour>> cloud;
  Sources sources;
};

struct HostSpec {
  std::string name;
  std::string memory_type;    // "DDR5-4800 RDIMM"
  std::int64_t sockets = 1;   // NUMA nodes, as a rule
  std::int64_t channels = 0;  // of memory, per socket
  Bytes dram;
  Bandwidth dram_peak;       // of all sockets together, what the channels carry
  Bandwidth dram_bandwidth;  // achieved by all sockets together, reads and writes added
  Power power;               // with its DRAM, without GPUs, drives and NICs
  std::optional<PriceRange<DollarsPerTB>> dram_price;
  Sources sources;
};

/// One direction of an SSD under the closed-loop law X(io, q) =
/// io / || (latency + io/stream)/q , 1/iops + io/bandwidth ||_p  (reference: hardware notes).
struct SsdLaw {
  Duration latency{};   // of one command at queue depth one
  Bandwidth stream;     // of one command's transfer
  double iops = 0;      // limit for small commands
  Bandwidth bandwidth;  // limit for large commands
  double p = 2;         // sharpness of the knee
};

/// What drives of `capacity` and above do, up to the next such entry. It replaces nothing that
/// `read` and `write` of the profile say: a number stands in one of the two places.
struct SsdVariant {
  Bytes capacity;
  std::optional<Bandwidth> read_bandwidth;
  std::optional<double> read_iops;
  std::optional<Bandwidth> write_bandwidth;
  std::optional<double> write_iops;
};

struct SsdSpec {
  std::string name;
  std::string nand;                     // TLC, QLC, ...
  std::string bus;                      // "PCIe 5.0 x4"
  Bandwidth line_rate;                  // one direction, what the bus carries
  Bytes capacity;                       // of the drive that is simulated
  std::vector<Bytes> capacities;        // that it is sold in; none: any
  std::vector<SsdVariant> by_capacity;  // the smallest first
  SsdLaw read;
  SsdLaw write;
  // kappa: with a share f of the bytes written, the times that reads and writes take of the drive
  // add up to at most 1 - 4*kappa*f*(1-f) of it.
  double mix_penalty = 0.3;
  Bytes io_size;  // large requests are split into commands of this size
  std::int64_t queue_depth = 32;
  double dwpd = 1;                  // rated drive writes per day, for random writes
  double sequential_endurance = 1;  // sequential writes wear it out after so many times as much
  Power power;                      // busy
  Power idle_power;
  std::optional<PriceRange<DollarsPerTB>> price;
  Sources sources;
};

/// A NIC and the store behind it.
struct NetworkSpec {
  std::string name;
  Bandwidth line_rate;   // one direction, of one host's NICs together, what the line carries
  Bandwidth bandwidth;   // likewise, as achieved
  Duration latency{};    // of a request, store included
  Bandwidth store_read;  // of the whole store, shared by every host
  Bandwidth store_write;
  Sources sources;
};

/// The index in `by_capacity` of what holds for the capacity of `ssd`; nothing if there is none.
[[nodiscard]] std::optional<std::size_t> variant_of(const SsdSpec& ssd);

void describe(config::Fields& f, DescriptorLaw& law);
void describe(config::Fields& f, HostLinkSpec& link);
void describe(config::Fields& f, EfficiencySpec& efficiency);
void describe(config::Fields& f, GpuSpec& gpu);
void describe(config::Fields& f, HostSpec& host);
void describe(config::Fields& f, SsdLaw& law);
void describe(config::Fields& f, SsdVariant& variant);
void describe(config::Fields& f, SsdSpec& ssd);
void describe(config::Fields& f, NetworkSpec& network);

}  // namespace terrace
