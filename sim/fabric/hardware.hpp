#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"

namespace terrace {

// What hwprofiles/ holds: one struct per folder. Rates are what software gets, not what the line
// carries, unless the field says peak.

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
  Bandwidth h2d;  // pinned memory, large copies
  Bandwidth d2h;
  double duplex = 1;   // both directions together reach duplex * (h2d + d2h)
  Duration latency{};  // issue of a copy plus start of the DMA
  DescriptorLaw descriptors;
};

/// Part of the peak that well-written kernels reach, for a roofline.
struct EfficiencySpec {
  double gemm_compute = 1;       // of the peak rate of the weights' type
  double gemm_memory = 1;        // of peak memory bandwidth
  double attention_compute = 1;  // prefill
  double attention_memory = 1;   // decode, reading KV
  Duration kernel_launch{};      // per kernel of a step, inside a CUDA graph
  Duration step_overhead{};      // host work per step that the GPU waits for
};

struct GpuSpec {
  std::string name;
  std::int64_t sms = 0;        // streaming multiprocessors
  Bytes memory;                // what nvidia-smi shows
  Bandwidth memory_bandwidth;  // peak
  Bytes l2;                    // the last cache before memory
  FlopRate bf16;               // peak, dense; fp16 runs at the same rate
  FlopRate fp8;                // peak, dense; zero if the GPU has no fp8 tensor cores
  Bandwidth nvlink;            // one direction, to a peer; zero: peers talk over the host link
  Duration allreduce_latency{};
  HostLinkSpec host_link;
  EfficiencySpec efficiency;
  std::map<std::string, std::string>
      sources;  // field -> "measured|fitted|datasheet|assumed: where"
};

struct HostSpec {
  std::string name;
  Bytes dram;
  Bandwidth dram_bandwidth;  // achieved by all sockets together, reads and writes added
  std::map<std::string, std::string> sources;
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

struct SsdSpec {
  std::string name;
  Bytes capacity;
  SsdLaw read;
  SsdLaw write;
  // kappa: with a share f of the bytes written, the times that reads and writes take of the drive
  // add up to at most 1 - 4*kappa*f*(1-f) of it.
  double mix_penalty = 0.3;
  Bytes io_size;  // large requests are split into commands of this size
  std::int64_t queue_depth = 32;
  double dwpd = 1;  // rated drive writes per day
  std::map<std::string, std::string> sources;
};

/// A NIC and the store behind it.
struct NetworkSpec {
  std::string name;
  Bandwidth bandwidth;   // one direction, of one host's NICs together
  Duration latency{};    // of a request, store included
  Bandwidth store_read;  // of the whole store, shared by every host
  Bandwidth store_write;
  std::map<std::string, std::string> sources;
};

void describe(config::Fields& f, DescriptorLaw& law);
void describe(config::Fields& f, HostLinkSpec& link);
void describe(config::Fields& f, EfficiencySpec& efficiency);
void describe(config::Fields& f, GpuSpec& gpu);
void describe(config::Fields& f, HostSpec& host);
void describe(config::Fields& f, SsdLaw& law);
void describe(config::Fields& f, SsdSpec& ssd);
void describe(config::Fields& f, NetworkSpec& network);

}  // namespace terrace
