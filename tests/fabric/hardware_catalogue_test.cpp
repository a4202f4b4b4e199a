// The figures of the shipped hardware: a sample against what its sources say, checked by hand, and
// what must hold for all of them.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "sim/fabric/wear.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using namespace literals;
using tests::shipped_gpu;

template <class Spec>
Spec shipped(const std::string& folder, const std::string& name) {
  return config::read_file<Spec>(
      tests::in_repository(fmt::format("hwprofiles/{}/{}.yaml", folder, name)));
}

std::vector<std::string> names(const std::string& folder) {
  const config::Catalogue catalogue({tests::in_repository("hwprofiles")});
  return catalogue.names(folder);
}

struct GpuFigures {
  const char* name;
  std::int64_t mib;
  double gbps;
  double bf16;  // TFLOP/s
  double fp8;
  double fp4;
  std::int64_t sms;
  std::int64_t l2_mib;
  double watts;
  double price;
  double rent;
};

TEST(HardwareCatalogue, GpusHaveTheFiguresOfTheirSources) {
  constexpr GpuFigures kGpus[] = {
      {"a100-80-sxm", 81920, 2039, 312, 0, 0, 108, 40, 400, 11000, 1.3},
      {"h100-nvl", 95830, 3900, 835.5, 1670.5, 0, 132, 50, 400, 28000, 2.8},
      {"h200-sxm", 143771, 4800, 989.4, 1978.9, 0, 132, 60, 700, 35000, 3.8},
      {"gh200-96", 97871, 4000, 989.4, 1978.9, 0, 132, 60, 700, 35000, 2.0},
      {"b200-sxm", 183359, 7700, 2250, 4500, 9000, 148, 126, 1000, 40000, 5.0},
      {"gb300", 284208, 8000, 2500, 5000, 15000, 160, 126, 1400, 60000, 6.5},
      {"l4", 23034, 300, 121, 242, 0, 58, 48, 72, 2600, 0.6},
      {"rtx-pro-6000-server", 97887, 1597, 467.8, 935.6, 1871, 188, 128, 600, 9500, 1.4},
      {"mi300x", 196592, 5300, 1307.4, 2614.9, 0, 304, 256, 750, 15000, 1.99},
      {"gaudi3-oam", 131072, 3675, 1835, 1835, 0, 64, 96, 900, 15600, 2.5},
  };
  for (const GpuFigures& want : kGpus) {
    SCOPED_TRACE(want.name);
    const GpuSpec gpu = shipped_gpu(want.name);
    EXPECT_EQ(gpu.memory, 1_MiB * want.mib);
    EXPECT_DOUBLE_EQ(gpu.memory_bandwidth.count(), want.gbps * 1e9);
    EXPECT_DOUBLE_EQ(gpu.bf16.count(), want.bf16 * 1e12);
    EXPECT_DOUBLE_EQ(gpu.fp8.count(), want.fp8 * 1e12);
    EXPECT_DOUBLE_EQ(gpu.fp4.count(), want.fp4 * 1e12);
    EXPECT_EQ(gpu.sms, want.sms);
    EXPECT_EQ(gpu.l2, 1_MiB * want.l2_mib);
    EXPECT_EQ(gpu.power, Power{want.watts});
    EXPECT_EQ(gpu.price->typical, Dollars{want.price});
    EXPECT_EQ(gpu.cloud->typical, DollarsPerHour{want.rent});
  }
}

TEST(HardwareCatalogue, LinksHaveWhatTheirGenerationWasMeasuredAt) {
  EXPECT_EQ(shipped_gpu("l4").host_link.h2d, Bandwidth{25.6e9});        // PCIe 4.0
  EXPECT_EQ(shipped_gpu("b200-sxm").host_link.h2d, Bandwidth{55.4e9});  // 5.0, not 6.0
  EXPECT_EQ(shipped_gpu("b300-sxm").host_link.h2d, Bandwidth{106e9});   // 6.0, assumed
  EXPECT_EQ(shipped_gpu("gh200-144").host_link.h2d, Bandwidth{337e9});  // C2C
  EXPECT_EQ(shipped_gpu("gh200-144").host_link.d2h, Bandwidth{295e9});
  EXPECT_EQ(shipped_gpu("h200-sxm").nvlink, Bandwidth{378e9});
  EXPECT_EQ(shipped_gpu("gb200").nvlink, Bandwidth{770e9});
  EXPECT_EQ(shipped_gpu("h100-pcie").nvlink_gpus, 2);
  EXPECT_EQ(shipped_gpu("rtx-5090").nvlink, Bandwidth{});
}

TEST(HardwareCatalogue, AnUncalibratedGpuTakesTheMediansAndSaysSo) {
  const GpuSpec gpu = shipped_gpu("b200-sxm");
  EXPECT_EQ(gpu.efficiency.gemm_compute, 0.81);
  EXPECT_EQ(gpu.efficiency.gemm_memory, 0.85);
  EXPECT_EQ(gpu.efficiency.attention_compute, 0.66);
  EXPECT_EQ(gpu.efficiency.attention_memory, 0.95);
  EXPECT_EQ(gpu.sources.at("efficiency.attention_compute"),
            "assumed: median of A100, H100, H200, L40S and RTX PRO 6000; such a guess missed one "
            "of them by 8-39 %, 2026-11, low");
}

struct SsdFigures {
  const char* name;
  std::size_t sizes;
  double tb;
  double read;  // GB/s
  double write;
  double read_kiops;
  double write_kiops;
  double dwpd;
  double watts;
};

TEST(HardwareCatalogue, DrivesHaveTheFiguresOfTheirSources) {
  constexpr SsdFigures kDrives[] = {
      {"samsung-pm9a3", 4, 3.84, 6.9, 4.1, 1100, 200, 1, 13},
      {"samsung-pm1753", 4, 7.68, 14.5, 11, 3300, 600, 1, 23},
      {"samsung-990-pro", 3, 2, 7.45, 1.4, 1400, 1550, 0.33, 6.5},  // after its SLC cache
      {"solidigm-d7-ps1010", 4, 7.68, 14.5, 10, 3100, 400, 1, 23},
      {"solidigm-d5-p5336", 5, 30.72, 7, 3.2, 930, 25, 0.58, 25},
      {"micron-9550-max", 4, 12.8, 14, 10, 3300, 820, 3, 18},
      {"kioxia-cm7-r", 5, 7.68, 14, 6.75, 2450, 300, 1, 25},
      {"intel-p5800x", 4, 1.6, 7.2, 6.2, 1500, 1500, 100, 21},
  };
  for (const SsdFigures& want : kDrives) {
    SCOPED_TRACE(want.name);
    const auto ssd = shipped<SsdSpec>("ssds", want.name);
    EXPECT_EQ(ssd.capacities.size(), want.sizes);
    EXPECT_EQ(config::as_real(ssd.capacity), want.tb * 1e12);
    EXPECT_DOUBLE_EQ(ssd.read.bandwidth.count(), want.read * 1e9);
    EXPECT_DOUBLE_EQ(ssd.write.bandwidth.count(), want.write * 1e9);
    EXPECT_DOUBLE_EQ(ssd.read.iops, want.read_kiops * 1e3);
    EXPECT_DOUBLE_EQ(ssd.write.iops, want.write_kiops * 1e3);
    EXPECT_EQ(ssd.dwpd, want.dwpd);
    EXPECT_EQ(ssd.power, Power{want.watts});
  }
  // 70 PB are the rating of the largest PS1030, and 70.08 that of the 9550 MAX of 12.8 TB.
  EXPECT_EQ(rated_writes(shipped<SsdSpec>("ssds", "micron-9550-max")),
            Bytes{70'080'000'000'000'000});
}

TEST(HardwareCatalogue, HostsAndNetworksHaveTheFiguresOfTheirSources) {
  const auto host = shipped<HostSpec>("hosts", "dual-ddr5-6400-12ch");
  EXPECT_EQ(host.dram_peak, Bandwidth{2 * 12 * 6400e6 * 8});
  EXPECT_EQ(host.dram_bandwidth, Bandwidth{1030e9});
  EXPECT_EQ(host.dram, 1_GiB * (24 * 64));
  EXPECT_EQ(host.dram_price->typical, DollarsPerTB{11e3});
  EXPECT_EQ(shipped<HostSpec>("hosts", "grace-gh200-480gb").dram_bandwidth, 335_GBps);
  EXPECT_EQ(shipped<NetworkSpec>("networks", "rdma-200g-parallel-store").line_rate, 25_GBps);
  EXPECT_EQ(shipped<NetworkSpec>("networks", "s3-100g").latency, 40ms);
}

TEST(HardwareCatalogue, EveryPriceIsThereAndTellsItsDate) {
  for (const std::string& name : names("gpus")) {
    const GpuSpec gpu = shipped_gpu(name);
    ASSERT_TRUE(gpu.price && gpu.cloud) << name;
    EXPECT_TRUE(is_date(gpu.price->as_of) && is_date(gpu.cloud->as_of)) << name;
  }
  for (const std::string& name : names("ssds")) {
    const bool sold = name != "intel-p5800x";  // no longer made
    EXPECT_EQ(shipped<SsdSpec>("ssds", name).price.has_value(), sold) << name;
  }
  for (const std::string& name : names("hosts")) {
    const bool by_modules = !name.starts_with("grace-");  // soldered
    EXPECT_EQ(shipped<HostSpec>("hosts", name).dram_price.has_value(), by_modules) << name;
  }
}

TEST(HardwareCatalogue, NothingIsFasterThanItsLine) {
  for (const std::string& name : names("gpus")) {
    const GpuSpec gpu = shipped_gpu(name);
    EXPECT_LT(gpu.host_link.h2d, gpu.host_link.line_rate) << name;
    EXPECT_LT(gpu.host_link.d2h, gpu.host_link.line_rate) << name;
    EXPECT_LT(gpu.idle_power, gpu.power) << name;
    EXPECT_GE(gpu.fp8.count() == 0 ? gpu.bf16 : gpu.fp8, gpu.bf16) << name;
  }
  for (const std::string& name : names("ssds")) {
    const auto ssd = shipped<SsdSpec>("ssds", name);
    EXPECT_LT(ssd.read.bandwidth, ssd.line_rate) << name;
    EXPECT_LT(ssd.write.bandwidth, ssd.line_rate) << name;
  }
  for (const std::string& name : names("hosts")) {
    const auto host = shipped<HostSpec>("hosts", name);
    EXPECT_LT(host.dram_bandwidth, host.dram_peak) << name;
  }
  for (const std::string& name : names("networks")) {
    const auto network = shipped<NetworkSpec>("networks", name);
    EXPECT_LT(network.bandwidth, network.line_rate) << name;
  }
}

TEST(HardwareCatalogue, EveryDriveCanBeHadInEveryCapacityItIsSoldIn) {
  for (const std::string& name : names("ssds")) {
    SCOPED_TRACE(name);
    const std::string file = tests::in_repository("hwprofiles/ssds/" + name + ".yaml");
    const auto usual = shipped<SsdSpec>("ssds", name);
    ASSERT_FALSE(usual.capacities.empty());
    Bandwidth smaller;
    for (const Bytes capacity : usual.capacities) {
      config::Diagnostics diagnostics;
      config::Node root = config::parse_yaml(file, config::read_text_file(file), diagnostics);
      config::apply_override(root, "capacity=" + config::Scalar<Bytes>::format(capacity),
                             diagnostics);
      SsdSpec ssd;
      config::Reader(root, file, {}, diagnostics).read(ssd);
      EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
      EXPECT_GE(ssd.write.bandwidth, smaller);
      EXPECT_GT(ssd.write.iops, 0);
      smaller = ssd.write.bandwidth;
    }
  }
}

TEST(HardwareCatalogue, ANumberStandsInOnePlace) {
  for (const std::string& name : names("ssds")) {
    const YAML::Node root =
        YAML::LoadFile(tests::in_repository("hwprofiles/ssds/" + name + ".yaml"));
    for (const auto& entry : root["by_capacity"]) {
      for (const char* law : {"read", "write"}) {
        for (const char* number : {"bandwidth", "iops"}) {
          EXPECT_FALSE(entry[fmt::format("{}_{}", law, number)] && root[law][number])
              << name << ": " << law << '.' << number << " would hide what by_capacity says";
        }
      }
    }
  }
}

}  // namespace
}  // namespace terrace
