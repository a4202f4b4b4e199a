#include "calibrate/measuring/gpu_surroundings.hpp"

#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include "calibrate/measuring/environment.hpp"
#include "tests/calibrate/measuring/described_machine.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPci = "0000:3b:00.0";

/// Of two NUMA nodes, the GPU's with the core that this thread is on.
void describe_two_nodes(const testing::DescribedMachine& machine) {
  machine.file(fmt::format("sys/bus/pci/devices/{}/numa_node", kPci), "1\n");
  machine.file("sys/devices/system/node/node0/cpulist", "0-1023\n");
  machine.file("sys/devices/system/node/node1/cpulist", fmt::format("{}\n", sched_getcpu()));
}

TEST(GpuSurroundings, SayWhenThreadsAreFewerNearTheGpu) {
  const testing::DescribedMachine machine;
  describe_two_nodes(machine);
  std::thread([&] {  // whose cores are its own
    const GpuSurroundings near(kPci, 2, false, machine.root());
    EXPECT_EQ(near.threads, 1);
    EXPECT_EQ(usable_cores(), 1);
    EXPECT_EQ(near.facts.at("threads_near_gpu"), true);
    EXPECT_THAT(near.lost, Contains(HasSubstr("1 of 2 threads are used")));
    const GpuSurroundings enough(kPci, 1, false, machine.root());
    EXPECT_THAT(enough.lost, Not(Contains(HasSubstr("threads are used"))));
  })
      .join();
}

TEST(GpuSurroundings, GoOnWithoutVendorsLibrariesAndSayWhatIsLost) {
  const testing::DescribedMachine machine;
  const GpuSurroundings none("ffff:ff:1f.7", 2, true, machine.root());  // nobody's address
  EXPECT_EQ(none.threads, 2);
  EXPECT_FALSE(none.watch);
  EXPECT_THAT(none.lost, Contains(HasSubstr("clocks, power and reasons to be slow")));
  EXPECT_EQ(none.cu_file.has_value(), none.why_no_cu_file.empty());
  EXPECT_THAT(none.lost, Contains(HasSubstr(none.why_no_cu_file)));
}

}  // namespace
}  // namespace terrace::calibrate
