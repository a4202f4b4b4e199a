#include "sim/fabric/hardware.hpp"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"
#include "sim/fabric/wear.hpp"

namespace terrace {
namespace {

using namespace literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

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

/// A drive whose writes depend on its capacity.
std::string sized(const std::string& capacity, const std::string& write = "") {
  return fmt::format(R"(name: drive
capacity: {}
capacities: [1.92 TB, 3.84 TB, 7.68 TB]
by_capacity:
  - {{capacity: 1.92 TB, write_bandwidth: 2.7 GB/s, write_iops: 130e3}}
  - {{capacity: 3.84 TB, write_bandwidth: 4.1 GB/s}}
read: {{latency: 69 us, stream: 3.1 GB/s, iops: 3.1e6, bandwidth: 14.5 GB/s}}
write: {{latency: 29 us, stream: 5 GB/s{}}}
io_size: 256 KiB
)",
                     capacity, write);
}

std::string complaint(const std::string& text) {
  try {
    static_cast<void>(read<SsdSpec>(text));
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(Hardware, ADriveWritesAsItsCapacityDoes) {
  const auto small = read<SsdSpec>(sized("1.92 TB"));
  EXPECT_DOUBLE_EQ(small.write.bandwidth.count(), 2.7e9);
  EXPECT_EQ(small.write.iops, 130e3);
  const auto large = read<SsdSpec>(sized("7.68 TB", ", iops: 200e3"));
  EXPECT_DOUBLE_EQ(large.write.bandwidth.count(), 4.1e9) << "as the next smaller entry";
  EXPECT_THAT(complaint(sized("7.68 TB")), HasSubstr("'write' lacks the key 'iops'"));
}

TEST(Hardware, WhatIsWrittenOutHoldsWhateverTheCapacity) {
  SsdSpec ssd = read<SsdSpec>(sized("1.92 TB", ", bandwidth: 1 GB/s"));
  EXPECT_EQ(ssd.write.bandwidth, 1_GBps);
  const auto again = read<SsdSpec>(config::Writer().write(ssd));
  EXPECT_EQ(again.write.bandwidth, 1_GBps);
  EXPECT_EQ(again.write.iops, 130e3);
  EXPECT_EQ(again.capacities, ssd.capacities);
}

TEST(Hardware, ACapacityThatIsNotSoldIsRefused) {
  EXPECT_THAT(complaint(sized("6 TB")),
              AllOf(HasSubstr("spec.yaml:2:11"), HasSubstr("there is no drive of 6 TB"),
                    HasSubstr("the nearest has 7.68 TB")));
  EXPECT_THAT(complaint(sized("7.68 TB", ", iops: 1") + "dwpd: 0\n"), HasSubstr("'dwpd'"));
  std::string wrong = sized("7.68 TB", ", iops: 1");
  wrong.replace(wrong.find("capacity: 3.84 TB"), 17, "capacity: 3.85 TB");
  EXPECT_THAT(complaint(wrong), HasSubstr("3.85 TB is none of 'capacities'"));
  wrong = sized("7.68 TB", ", iops: 1");
  wrong.replace(wrong.find("capacity: 3.84 TB"), 17, "capacity: 1.92 TB");
  EXPECT_THAT(complaint(wrong), HasSubstr("the smallest capacity must come first"));
}

TEST(Hardware, RatedWritesAreThoseOfFiveYears) {
  auto ssd = read<SsdSpec>(kSsd + "dwpd: 3\n");
  ssd.capacity = Bytes{12'800'000'000'000};
  EXPECT_EQ(rated_writes(ssd), Bytes{70'080'000'000'000'000});
  ssd.dwpd = 1e6;
  EXPECT_EQ(rated_writes(ssd), Bytes::max());
}

TEST(Hardware, APriceHasARangeAndADate) {
  const auto with = [](const std::string& price) { return complaint(kSsd + "price: " + price); };
  EXPECT_EQ(with("{low: 100 USD/TB, typical: 357 USD/TB, high: 600 USD/TB, as_of: 2026-03}"), "");
  EXPECT_THAT(with("{low: 400 USD/TB, typical: 357 USD/TB, high: 600 USD/TB, as_of: 2026-03}"),
              HasSubstr("'typical' must lie between 'low' and 'high'"));
  EXPECT_THAT(with("{low: 1 USD/TB, typical: 2 USD/TB, high: 3 USD/TB, as_of: last year}"),
              HasSubstr("such as 2026-05"));
  EXPECT_THAT(with("{low: 1 USD/TB, typical: 2 USD/TB, high: 3 USD/TB}"), HasSubstr("'as_of'"));
  EXPECT_THAT(with("{low: 1 USD, typical: 2 USD/TB, high: 3 USD/TB, as_of: 2026}"),
              HasSubstr("'USD' is not a known unit: USD/TB, USD/GB"));
}

TEST(Hardware, ASourceSaysWhatItIs) {
  const auto source = NumberSource::parse("measured: nvidia-smi, twice, 2026-10-28, high");
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->kind, "measured");
  EXPECT_EQ(source->where, "nvidia-smi, twice");
  EXPECT_EQ(source->date, "2026-10-28");
  EXPECT_EQ(source->confidence, "high");
  const auto undated = NumberSource::parse("fitted: GDSIO, within 3 %");
  ASSERT_TRUE(undated.has_value());
  EXPECT_EQ(undated->where, "GDSIO, within 3 %");
  EXPECT_TRUE(undated->date.empty());
  for (const char* text : {"", "measured", "measured: ", "guessed: by me", "nvidia-smi"}) {
    EXPECT_FALSE(NumberSource::parse(text).has_value()) << text;
  }
  for (const char* date : {"26", "2026-13", "2026-1", "2026-10-32", "2026/10", "2026-10-1"}) {
    EXPECT_FALSE(is_date(date)) << date;
  }
  std::string wrong = kSsd;
  wrong.replace(wrong.find("fitted: GDSIO"), 13, "seen somewhere");
  EXPECT_THAT(complaint(wrong), HasSubstr("the source of 'read.latency' does not say what it is"));
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
