#include "sim/app/hardware_derived.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/fabric/wear.hpp"
#include "sim/report/human.hpp"

namespace terrace::app {
namespace {

constexpr double kGB = 1e9;
constexpr double kTB = 1e12;

double real(Bytes size) { return static_cast<double>(size.count()); }

void add_share(std::vector<Derived>& all, const char* key, Bandwidth achieved, Bandwidth peak,
               const char* how) {
  if (peak.count() > 0) all.push_back({key, 100 * (achieved / peak), "%", how});
}

/// Low, typical and high, times `count` of what `price` is the price of.
template <class Price>
void add_range(std::vector<Derived>& all, const PriceRange<Price>& price, double count,
               const std::string& what) {
  const std::string how = fmt::format("{}, {}", what, price.as_of);
  all.push_back({"price_low", price.low.count() * count, "USD", how});
  all.push_back({"price_typical", price.typical.count() * count, "USD", how});
  all.push_back({"price_high", price.high.count() * count, "USD", how});
}

std::string gbps(Bandwidth rate) { return human::rate(rate.count() / kGB) + " GB/s"; }

/// "35,000 USD", "-" if unknown.
template <class Price>
std::string typical(const std::optional<PriceRange<Price>>& price) {
  if (!price) return "-";
  return config::Scalar<Price>::format(price->typical);
}

}  // namespace

std::vector<Derived> derived(const GpuSpec& gpu) {
  const EfficiencySpec& part = gpu.efficiency;
  const double bandwidth = gpu.memory_bandwidth.count();
  std::vector<Derived> all;
  all.push_back({"ridge_bf16", gpu.bf16.count() / bandwidth, "FLOP/B",
                 "work per byte of HBM above which bf16 waits for arithmetic, at the peaks"});
  all.push_back({"ridge_bf16_reached",
                 gpu.bf16.count() * part.gemm_compute / (bandwidth * part.gemm_memory), "FLOP/B",
                 "the same at what matrix products reach"});
  if (gpu.fp8.count() > 0) {
    all.push_back({"ridge_fp8", gpu.fp8.count() / bandwidth, "FLOP/B", "of fp8, at the peaks"});
  }
  add_share(all, "host_link_share", gpu.host_link.h2d, gpu.host_link.line_rate,
            "host_link.h2d of what the line carries");
  all.push_back({"memory_over_host_link", gpu.memory_bandwidth / gpu.host_link.h2d, "",
                 "HBM is so many times faster than host_link.h2d"});
  all.push_back({"fill_time", real(gpu.memory) / gpu.host_link.h2d.count(), "s",
                 "to fill its memory over the host link"});
  if (gpu.price) {
    all.push_back({"price_per_memory", gpu.price->typical.count() / (real(gpu.memory) / kGB),
                   "USD/GB", "typical price by memory"});
  }
  if (gpu.price && gpu.cloud) {
    all.push_back({"rent_to_price", gpu.price->typical.count() / gpu.cloud->typical.count(), "h",
                   "of rent that cost as much as the GPU, both typical"});
  }
  return all;
}

std::vector<Derived> derived(const HostSpec& host) {
  std::vector<Derived> all;
  add_share(all, "dram_share", host.dram_bandwidth, host.dram_peak,
            "dram_bandwidth of what the channels carry");
  all.push_back({"dram_bandwidth_per_socket",
                 host.dram_bandwidth.count() / kGB / static_cast<double>(host.sockets), "GB/s",
                 "of one NUMA node"});
  all.push_back({"read_time", real(host.dram) / host.dram_bandwidth.count(), "s",
                 "to read all of its DRAM once"});
  if (host.dram_price) {
    add_range(all, *host.dram_price, real(host.dram) / kTB, "of all its DRAM");
  }
  return all;
}

std::vector<Derived> by_capacity(const SsdSpec& ssd) {
  const double rated = real(rated_writes(ssd));
  std::vector<Derived> all;
  all.push_back({"read", ssd.read.bandwidth.count() / kGB, "GB/s", "read.bandwidth"});
  all.push_back({"write", ssd.write.bandwidth.count() / kGB, "GB/s", "write.bandwidth"});
  all.push_back({"write_iops", ssd.write.iops / 1e3, "k/s", "write.iops"});
  all.push_back({"fill_time", real(ssd.capacity) / ssd.write.bandwidth.count(), "s",
                 "to write the drive once"});
  all.push_back(
      {"rated_writes", rated / kTB, "TB", "capacity x dwpd x 1825 days, for random writes"});
  if (ssd.sequential_endurance > 1) {
    all.push_back({"sequential_writes", rated * ssd.sequential_endurance / kTB, "TB",
                   "rated_writes x sequential_endurance"});
  }
  all.push_back({"sustainable_write", rated / (kRatedLife.count() * kSecondsPerYear) / 1e6, "MB/s",
                 "written at random without pause, wears it out in five years"});
  if (ssd.price) add_range(all, *ssd.price, real(ssd.capacity) / kTB, "of the drive");
  return all;
}

std::vector<Derived> derived(const SsdSpec& ssd) {
  std::vector<Derived> all = by_capacity(ssd);
  add_share(all, "bus_share", ssd.read.bandwidth, ssd.line_rate,
            "read.bandwidth of what the bus carries");
  const double one = seconds(ssd.read.latency) + real(ssd.io_size) / ssd.read.stream.count();
  all.push_back({"read_one_by_one", real(ssd.io_size) / one / kGB, "GB/s",
                 "commands of io_size, each after the last"});
  if (ssd.price) {
    all.push_back({"wear_price",
                   ssd.price->typical.count() * real(ssd.capacity) / real(rated_writes(ssd)),
                   "USD/TB", "of what is written at random, if it is used until worn out"});
  }
  return all;
}

std::vector<Derived> derived(const NetworkSpec& network) {
  std::vector<Derived> all;
  add_share(all, "line_share", network.bandwidth, network.line_rate,
            "bandwidth of what the line carries");
  all.push_back({"half_bandwidth_size", seconds(network.latency) * network.bandwidth.count() / 1e6,
                 "MB", "a request of this size spends half of its time on latency"});
  all.push_back({"hosts_to_saturate", network.store_read / network.bandwidth, "",
                 "so many hosts that read at full rate are all that the store serves"});
  return all;
}

std::vector<Derived> derived(const HardwareSpec& machine) {
  std::vector<Derived> all;
  const auto add = [&](const char* part, std::vector<Derived> figures) {
    for (Derived& one : figures) {
      one.key = fmt::format("{}.{}", part, one.key);
      all.push_back(std::move(one));
    }
  };
  add("gpu", derived(machine.gpu));
  add("host", derived(machine.host));
  if (machine.ssd) add("ssd", derived(*machine.ssd));
  if (machine.network) add("network", derived(*machine.network));
  return all;
}

std::vector<std::string> highlights(const GpuSpec& gpu) {
  return {human::bytes(gpu.memory), gbps(gpu.memory_bandwidth),
          human::rate(gpu.bf16.count() / 1e12) + " TFLOP/s",
          gpu.power.count() > 0 ? config::Scalar<Power>::format(gpu.power) : "-",
          typical(gpu.price)};
}

std::vector<std::string> highlights(const HostSpec& host) {
  return {human::bytes(host.dram), gbps(host.dram_bandwidth), typical(host.dram_price)};
}

std::vector<std::string> highlights(const SsdSpec& ssd) {
  const auto text = [](Bytes size) { return config::Scalar<Bytes>::format(size); };
  std::string sizes = text(ssd.capacity);
  if (!ssd.capacities.empty()) {
    const auto [least, most] = std::minmax_element(ssd.capacities.begin(), ssd.capacities.end());
    sizes = fmt::format("{}-{}", text(*least), text(*most));
  }
  return {sizes, gbps(ssd.read.bandwidth), gbps(ssd.write.bandwidth),
          fmt::format("{} DWPD", ssd.dwpd), typical(ssd.price)};
}

std::vector<std::string> highlights(const NetworkSpec& network) {
  return {gbps(network.bandwidth), config::Scalar<Duration>::format(network.latency),
          "store " + gbps(network.store_read)};
}

std::vector<std::string> highlights(const HardwareSpec& machine) {
  const GpuSpec& gpu = machine.gpu;
  return {human::bytes(gpu.memory), gbps(gpu.memory_bandwidth),
          human::rate(gpu.bf16.count() / 1e12) + " TFLOP/s",
          "DRAM " + human::bytes(machine.host.dram),
          machine.ssd ? "SSD " + gbps(machine.ssd->read.bandwidth) : "no SSD"};
}

}  // namespace terrace::app
