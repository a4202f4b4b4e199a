#include "sim/fabric/hardware.hpp"

#include <string>

#include <gtest/gtest.h>

#include "sim/config/reader.hpp"

namespace terrace {
namespace {

using namespace literals;

template <class Spec>
Spec read(const std::string& text) {
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_yaml("spec.yaml", text, diagnostics);
  const config::Catalogue none;
  Spec spec;
  config::Reader(root, "the spec", none, diagnostics).read(spec);
  diagnostics.raise();
  return spec;
}

const std::string kSsd = R"(name: drive
capacity: 7.68 TB
read: {latency: 69 us, stream: 3.1 GB/s, iops: 3.1e6, bandwidth: 14.5 GB/s}
write: {latency: 29 us, stream: 5 GB/s, iops: 400e3, bandwidth: 10 GB/s, p: 1.5}
io_size: 256 KiB
sources:
  read.latency: "fitted: GDSIO"
)";

TEST(Hardware, ReadsADrive) {
  const auto ssd = read<SsdSpec>(kSsd);
  EXPECT_EQ(ssd.read.latency, 69us);
  EXPECT_EQ(ssd.read.p, 2);
  EXPECT_EQ(ssd.write.p, 1.5);
  EXPECT_EQ(ssd.write.iops, 400e3);
  EXPECT_EQ(ssd.queue_depth, 32);
  EXPECT_EQ(ssd.io_size, 256_KiB);
  EXPECT_EQ(ssd.sources.at("read.latency"), "fitted: GDSIO");
}

TEST(Hardware, RefusesWhatWouldDivideByZeroOrStall) {
  EXPECT_THROW(read<SsdSpec>(kSsd + "mix_penalty: 1\n"), config::ConfigError);
  EXPECT_THROW(read<SsdSpec>(kSsd + "queue_depth: 0\n"), config::ConfigError);
  EXPECT_THROW(read<SsdLaw>("{latency: 1 us, stream: 0 GB/s, iops: 1, bandwidth: 1 GB/s}"),
               config::ConfigError);
  EXPECT_THROW(read<HostSpec>("{name: h, dram: 1 TiB, dram_bandwidth: 0 GB/s}"),
               config::ConfigError);
  EXPECT_THROW(read<HostSpec>("{name: h, dram: 1 TiB}"), config::ConfigError);
}

TEST(Hardware, ReadsAGpu) {
  const auto gpu = read<GpuSpec>(R"(name: H200
memory: 143771 MiB
memory_bandwidth: 4.8 TB/s
bf16: 989 TFLOP/s
host_link:
  h2d: 55.4 GB/s
  d2h: 57.2 GB/s
  duplex: 0.89
  latency: 5 us
  descriptors:
    small_fixed: 0.58 us
    small_bandwidth: 8.25 GB/s
    cutoff: 28 KiB
    large_fixed: 0.17 us
    large_bandwidth: 60 GB/s
)");
  EXPECT_EQ(gpu.memory, 143771_MiB);
  EXPECT_EQ(gpu.host_link.h2d, Bandwidth{55.4e9});
  EXPECT_EQ(gpu.host_link.descriptors.cutoff, 28_KiB);
  EXPECT_EQ(gpu.fp8, FlopRate{});
  EXPECT_EQ(gpu.efficiency.gemm_compute, 1);
}

TEST(Hardware, ReadsANetwork) {
  const auto network = read<NetworkSpec>(
      "{name: n, bandwidth: 46 GB/s, latency: 300 us, store_read: 43 GB/s, store_write: 21 GB/s}");
  EXPECT_EQ(network.bandwidth, 46_GBps);
  EXPECT_EQ(network.latency, 300us);
}

}  // namespace
}  // namespace terrace
