#include "calibrate/profile/host_part.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/fabric/number_source.hpp"
#include "tests/calibrate/profile/synthetic_run.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Of a GPU in a machine of two NUMA nodes, whose memory near the GPU does 10 GB/s.
MeasuredRun run_beside_gpu(bool near) {
  MeasuredRun run = testing::RunMaker({}).memory().run();
  for (MeasuredPoint& point : run.points) point.family = "host_memory";
  run.host["gpu"] = "a GPU";
  run.host["numa_nodes"] = 2;
  if (near) run.host["threads_near_gpu"] = true;
  return run;
}

TEST(HostPart, DoesNotTakeOneNodesMemoryForTheMachines) {
  const config::Catalogue none;
  const MeasuredRun whole = run_beside_gpu(false);
  PartMaker of_whole{whole, none};
  const HostSpec all = host_part(of_whole, {});
  EXPECT_NEAR(all.dram_bandwidth.count(), 10e9, 1e7);
  EXPECT_THAT(all.sources.at("dram_bandwidth"), StartsWith("measured: "));

  const MeasuredRun near = run_beside_gpu(true);
  PartMaker of_near{near, none};
  const HostSpec host = host_part(of_near, {});
  EXPECT_EQ(host.sockets, 2);
  EXPECT_NEAR(host.dram_bandwidth.count(), 20e9, 2e7);
  const std::string& source = host.sources.at("dram_bandwidth");
  EXPECT_THAT(source, HasSubstr("2 times what was measured of the GPU's NUMA node, 10 GB/s"));
  const auto parsed = NumberSource::parse(source);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->kind, "assumed");
  EXPECT_EQ(parsed->confidence, "low");
}

}  // namespace
}  // namespace terrace::calibrate
