#include "sim/fabric/node.hpp"

#include <utility>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

/// "gpu3", or "gpu4-7" for a group.
std::string gpu_name(std::size_t replica, std::int64_t gpus) {
  const auto first = static_cast<std::int64_t>(replica) * gpus;
  std::string name = "gpu" + std::to_string(first);
  if (gpus > 1) name += "-" + std::to_string(first + gpus - 1);
  return name;
}

/// n striped drives: n times the commands and n times the bytes; one command is no faster.
CommandLaw striped(const SsdLaw& drive, const SsdSpec& ssd, std::int64_t drives) {
  CommandLaw array{drive, ssd.io_size, ssd.queue_depth * drives};
  array.drive.iops *= static_cast<double>(drives);
  array.drive.bandwidth = drive.bandwidth * static_cast<double>(drives);
  return array;
}

LinkSpec storage_link(std::string name, const SsdLaw& law, const SsdSpec& ssd, std::int64_t drives,
                      LinkId drive, bool writes) {
  LinkSpec link;
  link.name = std::move(name);
  link.latency = law.latency;
  link.access = DriveAccess{striped(law, ssd, drives), drive, writes};
  link.bandwidth = link.access->commands.drive.bandwidth;
  return link;
}

}  // namespace

Deployment::Deployment(const DeploymentSpec& spec, Fabric& fabric)
    : replicas_per_host_(static_cast<std::size_t>(spec.replicas_per_host)) {
  TERRACE_CHECK(spec.hosts > 0 && spec.replicas_per_host > 0 && spec.gpus_per_replica > 0);
  if (spec.network) {
    remote_ = fabric.add_memory("store");
    store_read_ = fabric.add_pool("store.read", spec.network->store_read);
    store_write_ = fabric.add_pool("store.write", spec.network->store_write);
  }
  for (std::int64_t host = 0; host < spec.hosts; ++host) add_host(spec, fabric);
  fabric.freeze();
}

void Deployment::add_host(const DeploymentSpec& spec, Fabric& fabric) {
  const std::string name = "host" + std::to_string(dram_.size());
  dram_.push_back(fabric.add_memory(name + ".dram", spec.host.dram_bandwidth));
  for (std::int64_t i = 0; i < spec.replicas_per_host; ++i) add_replica(spec, fabric, dram_.back());
  if (spec.ssd && spec.drives_per_host > 0) add_drives(spec, fabric, name);
  if (spec.network) add_nic(*spec.network, fabric, name);
}

void Deployment::add_replica(const DeploymentSpec& spec, Fabric& fabric, MemoryId dram) {
  const HostLinkSpec& host_link = spec.gpu.host_link;
  const std::string name = gpu_name(hbm_.size(), spec.gpus_per_replica);
  // Copies take about 1 % of HBM bandwidth, so HBM is never what they wait for.
  hbm_.push_back(fabric.add_memory(name + ".hbm"));

  LinkSpec link;
  link.latency = host_link.latency;
  link.discipline = Discipline::fifo;
  link.engines = spec.gpus_per_replica;
  link.descriptors = host_link.descriptors;
  if (host_link.duplex < 1) {
    const double both = host_link.duplex * static_cast<double>(spec.gpus_per_replica);
    link.pools.push_back(fabric.add_pool(name + ".duplex", (host_link.h2d + host_link.d2h) * both));
  }

  link.name = name + ".h2d";
  link.bandwidth = host_link.h2d;
  fabric.add_link(dram, hbm_.back(), link);
  link.name = name + ".d2h";
  link.bandwidth = host_link.d2h;
  fabric.add_link(hbm_.back(), dram, link);
}

void Deployment::add_drives(const DeploymentSpec& spec, Fabric& fabric, const std::string& host) {
  const SsdSpec& ssd = *spec.ssd;
  const std::int64_t n = spec.drives_per_host;
  const std::string name = host + ".nvme";
  nvme_.push_back(fabric.add_memory(name));
  const LinkId drive = fabric.add_drive(name, ssd.mix_penalty);
  fabric.add_link(nvme_.back(), dram_.back(),
                  storage_link(name + ".read", ssd.read, ssd, n, drive, false));
  fabric.add_link(dram_.back(), nvme_.back(),
                  storage_link(name + ".write", ssd.write, ssd, n, drive, true));
}

void Deployment::add_nic(const NetworkSpec& network, Fabric& fabric, const std::string& host) {
  LinkSpec link;
  link.bandwidth = network.bandwidth;
  link.latency = network.latency;

  link.name = host + ".nic.rx";
  link.pools = {store_read_};
  fabric.add_link(remote_, dram_.back(), link);
  link.name = host + ".nic.tx";
  link.pools = {store_write_};
  fabric.add_link(dram_.back(), remote_, link);
}

MemoryId Deployment::nvme(ReplicaId replica) const {
  TERRACE_CHECK(has_nvme());
  return nvme_[host_of(replica)];
}

MemoryId Deployment::remote() const {
  TERRACE_CHECK(has_remote());
  return remote_;
}

}  // namespace terrace
