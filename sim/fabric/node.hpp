#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace {

/// The machines of a deployment: equal hosts, each with the same replicas, and perhaps one store.
struct DeploymentSpec {
  GpuSpec gpu;
  HostSpec host;
  std::optional<SsdSpec> ssd;
  std::int64_t drives_per_host = 1;    // striped: one array, `drives` times as fast
  std::optional<NetworkSpec> network;  // with the store behind it
  std::int64_t hosts = 1;
  std::int64_t replicas_per_host = 1;
  std::int64_t gpus_per_replica = 1;  // one tensor-parallel group
};

/// The memories of a deployment, laid out in a fabric.
///
///   gpuN.hbm  <- gpuN.h2d, gpuN.d2h ->  hostM.dram  <- hostM.nvme.read, .write ->  hostM.nvme
///                                                   <- hostM.nic.rx, .tx ->        store
///
/// A replica's HBM is one memory, whose link to the host has the copy engines of all its GPUs. All
/// else bounces through host DRAM, which counts such bytes twice. Replicas are numbered host by
/// host; GPUs through all hosts, so replica 1 of a group of four is "gpu4-7".
class Deployment {
 public:
  /// Adds everything to an empty fabric and freezes it.
  Deployment(const DeploymentSpec& spec, Fabric& fabric);

  [[nodiscard]] std::size_t replicas() const { return hbm_.size(); }
  [[nodiscard]] std::size_t hosts() const { return dram_.size(); }
  [[nodiscard]] std::size_t host_of(ReplicaId replica) const {
    return replica.index() / replicas_per_host_;
  }

  [[nodiscard]] MemoryId hbm(ReplicaId replica) const { return hbm_[replica.index()]; }
  [[nodiscard]] MemoryId dram(ReplicaId replica) const { return dram_[host_of(replica)]; }

  [[nodiscard]] bool has_nvme() const { return !nvme_.empty(); }
  /// REQUIRES: has_nvme().
  [[nodiscard]] MemoryId nvme(ReplicaId replica) const;

  [[nodiscard]] bool has_remote() const { return remote_ != MemoryId::none(); }
  /// REQUIRES: has_remote().
  [[nodiscard]] MemoryId remote() const;

 private:
  void add_host(const DeploymentSpec& spec, Fabric& fabric);
  void add_replica(const DeploymentSpec& spec, Fabric& fabric, MemoryId dram);
  void add_drives(const DeploymentSpec& spec, Fabric& fabric, const std::string& host);
  void add_nic(const NetworkSpec& network, Fabric& fabric, const std::string& host);

  std::size_t replicas_per_host_;
  std::vector<MemoryId> hbm_;   // by replica
  std::vector<MemoryId> dram_;  // by host
  std::vector<MemoryId> nvme_;  // by host
  MemoryId remote_ = MemoryId::none();
  LinkId store_read_ = LinkId::none();
  LinkId store_write_ = LinkId::none();
};

}  // namespace terrace
