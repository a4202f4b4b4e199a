#include "sim/fabric/node.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "tests/fabric/workbench.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Workbench;

DeploymentSpec two_hosts() {
  DeploymentSpec spec;
  HostLinkSpec& link = spec.gpu.host_link;
  link.h2d = Bandwidth{55.4e9};
  link.d2h = Bandwidth{57.2e9};
  link.duplex = 0.89;
  link.latency = 5us;
  link.descriptors = {580ns, Bandwidth{8.25e9}, 28_KiB, 170ns, 60_GBps};
  spec.host.dram_bandwidth = 500_GBps;
  spec.ssd.emplace();
  spec.ssd->read = {69us, Bandwidth{3.1e9}, 3.1e6, Bandwidth{14.5e9}, 2};
  spec.ssd->write = {29us, Bandwidth{5e9}, 400e3, Bandwidth{10e9}, 2};
  spec.ssd->io_size = 256_KiB;
  spec.drives_per_host = 2;
  spec.network.emplace();
  spec.network->bandwidth = 46_GBps;
  spec.network->latency = 300us;
  spec.network->store_read = 60_GBps;
  spec.network->store_write = 20_GBps;
  spec.hosts = 2;
  spec.replicas_per_host = 2;
  spec.gpus_per_replica = 4;
  return spec;
}

struct Fleet : Workbench {
  explicit Fleet(const DeploymentSpec& spec = two_hosts()) : places(spec, fabric) {}

  /// GB/s of a large transfer alone.
  double rate(MemoryId from, MemoryId to) const {
    return 1e-9 * 0x1p36 / seconds(fabric.unloaded_time(from, to, {64_GiB}));
  }
  double rate_of(TransferId id, Bytes size) {
    return 1e-9 * static_cast<double>(size.count()) / seconds(done.at(id));
  }
  Deployment places;
};

TEST(Deployment, NamesWhatReportsWillShow) {
  const Fleet fleet;
  std::vector<std::string> names;
  for (const LinkReport& report : fleet.fabric.report(SimTime{})) names.push_back(report.name);
  const std::vector<std::string> expected{
      "store.read",      "store.write",      "host0.dram",      "gpu0-3.duplex",    "gpu0-3.h2d",
      "gpu0-3.d2h",      "gpu4-7.duplex",    "gpu4-7.h2d",      "gpu4-7.d2h",       "host0.nvme",
      "host0.nvme.read", "host0.nvme.write", "host0.nic.rx",    "host0.nic.tx",     "host1.dram",
      "gpu8-11.duplex",  "gpu8-11.h2d",      "gpu8-11.d2h",     "gpu12-15.duplex",  "gpu12-15.h2d",
      "gpu12-15.d2h",    "host1.nvme",       "host1.nvme.read", "host1.nvme.write", "host1.nic.rx",
      "host1.nic.tx"};
  EXPECT_EQ(names, expected);
}

TEST(Deployment, PutsEveryReplicaOnItsHost) {
  const Fleet fleet;
  ASSERT_EQ(fleet.places.replicas(), 4U);
  ASSERT_EQ(fleet.places.hosts(), 2U);
  EXPECT_EQ(fleet.places.dram(ReplicaId{0}), fleet.places.dram(ReplicaId{1}));
  EXPECT_NE(fleet.places.dram(ReplicaId{1}), fleet.places.dram(ReplicaId{2}));
  EXPECT_NE(fleet.places.nvme(ReplicaId{1}), fleet.places.nvme(ReplicaId{2}));
  const Topology& topology = fleet.fabric.topology();
  EXPECT_EQ(topology.name(fleet.places.hbm(ReplicaId{3})), "gpu12-15.hbm");
  for (std::size_t r = 0; r < 4; ++r) {
    const MemoryId hbm = fleet.places.hbm(ReplicaId{r});
    EXPECT_EQ(topology.route(fleet.places.nvme(ReplicaId{r}), hbm).size(), 2U);
    EXPECT_EQ(topology.route(fleet.places.remote(), hbm).size(), 2U);
    EXPECT_EQ(topology.route(hbm, fleet.places.dram(ReplicaId{r})).size(), 1U);
  }
}

TEST(Deployment, RatesAloneAreThoseOfTheSpecs) {
  const Fleet fleet;
  const ReplicaId r{0};
  const Deployment& at = fleet.places;
  EXPECT_NEAR(fleet.rate(at.dram(r), at.hbm(r)), 4 * 55.4, 0.1);
  EXPECT_NEAR(fleet.rate(at.hbm(r), at.dram(r)), 4 * 57.2, 0.1);
  // Two drives; 64 commands of 256 KiB outstanding nearly hide the latency.
  EXPECT_NEAR(fleet.rate(at.nvme(r), at.hbm(r)), 2 * 14.5, 0.06 * 2 * 14.5);
  EXPECT_NEAR(fleet.rate(at.hbm(r), at.nvme(r)), 2 * 10, 0.12 * 2 * 10);
  EXPECT_NEAR(fleet.rate(at.remote(), at.hbm(r)), 46, 0.1);
  EXPECT_NEAR(fleet.rate(at.hbm(r), at.remote()), 20, 0.1);
}

TEST(Deployment, LatenciesAddAlongTheRoute) {
  const Fleet fleet;
  const ReplicaId r{0};
  const Deployment& at = fleet.places;
  const auto one_byte = [&](MemoryId from, MemoryId to) {
    return fleet.fabric.unloaded_time(from, to, {1_B});
  };
  EXPECT_NEAR(seconds(one_byte(at.dram(r), at.hbm(r))), 5e-6 + 0.58e-6 / 4, 1e-9);
  EXPECT_NEAR(seconds(one_byte(at.nvme(r), at.hbm(r))), (69 + 5) * 1e-6, 1e-6);
  EXPECT_NEAR(seconds(one_byte(at.remote(), at.hbm(r))), (300 + 5) * 1e-6, 1e-6);
}

/// Two loads through two NICs ask for 92 of the store's 60 GB/s.
TEST(Deployment, HostsShareTheStore) {
  Fleet fleet;
  const TransferId a =
      fleet.fabric.start(fleet.places.remote(), fleet.places.hbm(ReplicaId{0}), 64_GiB, 1);
  const TransferId b =
      fleet.fabric.start(fleet.places.remote(), fleet.places.hbm(ReplicaId{2}), 64_GiB, 1);
  fleet.run();
  EXPECT_NEAR(fleet.rate_of(a, 64_GiB), 30, 0.1);
  EXPECT_NEAR(fleet.rate_of(b, 64_GiB), 30, 0.1);
}

/// 4 * (55.4 + 57.2) * 0.89 = 400.9 GB/s, half for each; DRAM has room.
TEST(Deployment, DirectionsShareTheHostLink) {
  Fleet fleet;
  const ReplicaId r{0};
  const TransferId in = fleet.fabric.start(fleet.places.dram(r), fleet.places.hbm(r), 64_GiB, 1);
  const TransferId out = fleet.fabric.start(fleet.places.hbm(r), fleet.places.dram(r), 64_GiB, 1);
  fleet.run();
  EXPECT_NEAR(fleet.rate_of(in, 64_GiB), 200.4, 0.1);
  EXPECT_NEAR(fleet.rate_of(out, 64_GiB), 200.4, 0.1);
}

/// A load from DRAM and one that bounces through it: 100 = x + 2 * y with y at most 29.
TEST(Deployment, DramIsSharedAndABounceCountsTwice) {
  DeploymentSpec spec = two_hosts();
  spec.host.dram_bandwidth = 100_GBps;
  Fleet fleet(spec);
  const ReplicaId r{0};
  const double nvme = fleet.rate(fleet.places.nvme(r), fleet.places.hbm(r));
  const Bytes size{static_cast<std::int64_t>((100 - 2 * nvme) * 1e9)};
  fleet.fabric.start(fleet.places.nvme(r), fleet.places.hbm(r), 640_GiB, 1);
  const TransferId load = fleet.fabric.start(fleet.places.dram(r), fleet.places.hbm(r), size, 1);
  fleet.run(SimTime{} + 2s);
  EXPECT_NEAR(seconds(fleet.done.at(load)), 1, 1e-3);
}

TEST(Deployment, LeavesOutWhatThereIsNot) {
  DeploymentSpec spec = two_hosts();
  spec.ssd.reset();
  spec.network.reset();
  spec.hosts = 1;
  spec.gpus_per_replica = 1;
  const Fleet fleet(spec);
  EXPECT_FALSE(fleet.places.has_nvme());
  EXPECT_FALSE(fleet.places.has_remote());
  EXPECT_THROW(static_cast<void>(fleet.places.nvme(ReplicaId{0})), InvariantViolation);
  EXPECT_THROW(static_cast<void>(fleet.places.remote()), InvariantViolation);
  EXPECT_EQ(fleet.fabric.topology().name(fleet.places.hbm(ReplicaId{1})), "gpu1.hbm");
}

}  // namespace
}  // namespace terrace
