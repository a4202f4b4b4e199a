#include "calibrate/measuring/environment.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/calibrate/measuring/described_machine.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

using Described = testing::DescribedMachine;

TEST(HostFacts, AreReadFromTheSystemsFiles) {
  Described machine;
  machine.file("proc/cpuinfo",
               "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu hypervisor\n");
  machine.file("proc/meminfo",
               "MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\n"
               "HugePages_Total:       4\n");
  for (const char* cpu : {"cpu0", "cpu1", "cpufreq"}) {
    machine.file(std::string("sys/devices/system/cpu/") + cpu + "/x", "");
  }
  const std::string cache = "sys/devices/system/cpu/cpu0/cache/index";
  machine.file(cache + "0/type", "Data\n");
  machine.file(cache + "0/level", "1\n");
  machine.file(cache + "0/size", "48K\n");
  machine.file(cache + "1/type", "Instruction\n");
  machine.file(cache + "2/type", "Unified\n");
  machine.file(cache + "2/level", "3\n");
  machine.file(cache + "2/size", "32M\n");
  machine.file("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  const auto facts = host_facts(machine.root());
  EXPECT_EQ(facts.at("cpu"), "Some CPU @ 2 GHz");
  EXPECT_EQ(facts.at("cores"), 2);
  EXPECT_EQ(facts.at("cpu_l1d_bytes"), 48 << 10);
  EXPECT_EQ(facts.at("cpu_l3_bytes"), 32 << 20);
  EXPECT_EQ(facts.at("memory_mib"), 16384);
  EXPECT_EQ(facts.at("virt"), "unnamed");
  EXPECT_EQ(facts.at("transparent_hugepages"), "madvise");
  EXPECT_EQ(facts.at("hugepages"), "4");
  EXPECT_FALSE(facts.contains("governor"));
  EXPECT_FALSE(facts.contains("container"));
}

TEST(HostFacts, AreFewWhereTheSystemSaysNothing) {
  const Described nothing;
  const auto facts = host_facts(nothing.root());
  EXPECT_EQ(facts.at("virt"), "none");
  EXPECT_FALSE(facts.contains("cpu"));
  EXPECT_EQ(available_memory(nothing.root()), Bytes{0});
}

TEST(HostFacts, DoNotSayWhoseMachineItIs) {
  const std::set<std::string> kinds = {"cpu",          "cores",        "cpu_l1d_bytes",
                                       "cpu_l2_bytes", "cpu_l3_bytes", "cpu_l4_bytes",
                                       "virt",         "memory_mib",   "numa_nodes",
                                       "kernel",       "container",    "transparent_hugepages",
                                       "hugepages",    "governor",     "gpu_driver",
                                       "machine",      "iommu"};
  const auto facts = host_facts();
  EXPECT_GE(facts.size(), 4U);
  for (const auto& [name, value] : facts.items()) EXPECT_TRUE(kinds.contains(name)) << name;
}

TEST(AvailableMemory, IsWhatTheControlGroupLeaves) {
  Described machine;
  machine.file("proc/meminfo", "MemAvailable:    8388608 kB\n");
  EXPECT_EQ(available_memory(machine.root()), Bytes{std::int64_t{8} << 30});
  machine.file("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(available_memory(machine.root()), Bytes{std::int64_t{8} << 30});
  machine.file("sys/fs/cgroup/memory.max", "1000000\n");
  machine.file("sys/fs/cgroup/memory.current", "400000\n");
  EXPECT_EQ(available_memory(machine.root()), Bytes{600000});
  machine.file("sys/fs/cgroup/memory.stat",
               "anon 100000\nfile 300000\ninactive_file 250000\nactive_file 50000\n");
  EXPECT_EQ(available_memory(machine.root()), Bytes{850000});
}

TEST(GpuPlace, IsReadFromTheSystemsFiles) {
  Described machine;
  EXPECT_TRUE(gpu_place("0000:3b:00.0", machine.root()).empty());
  machine.file("sys/bus/pci/devices/0000:3b:00.0/numa_node", "1\n");
  EXPECT_EQ(gpu_place("0000:3b:00.0", machine.root()).at("gpu_numa_node"), 1);
  machine.file("sys/bus/pci/devices/0000:3b:00.0/numa_node", "-1\n");
  EXPECT_TRUE(gpu_place("0000:3b:00.0", machine.root()).empty());
  EXPECT_FALSE(stay_near_gpu("0000:3b:00.0", machine.root()));  // where there is but one node
}

TEST(CoresOfList, AreThoseOfSysfs) {
  EXPECT_EQ(cores_of_list("0-3,8"), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(cores_of_list("7"), std::vector<int>{7});
  for (const char* bad : {"", "3-1", "a", "1-", "0-999999999"}) {
    EXPECT_TRUE(cores_of_list(bad).empty()) << bad;
  }
}

TEST(HostFacts, SayWhatStandsBetweenDevicesAndMemory) {
  Described machine;
  EXPECT_FALSE(host_facts(machine.root()).contains("iommu"));
  machine.file("sys/kernel/iommu_groups/0/type", "DMA-FQ\n");
  EXPECT_EQ(host_facts(machine.root()).at("iommu"), "DMA-FQ");
}

}  // namespace
}  // namespace terrace::calibrate
