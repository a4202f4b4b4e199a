#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "sim/base/units.hpp"

namespace terrace::calibrate {

// What a measurement has to say of the machine it was made on: kinds, never names, serials or paths
// of anybody's. What the machine does not tell is left out.

/// Processor, caches, memory, NUMA, kernel, hypervisor, pages, governor; as files below `root`,
/// which is "/", say. What changes from one minute to the next, such as free memory, is not in it.
nlohmann::ordered_json host_facts(const std::filesystem::path& root = "/");

/// The disk that `directory` is on: {"model": "virtio", "kind": "virtio", "virtual": true,
/// "file_system": "ext4", "is_product_nvme": false}. What is virtual, or no disk at all, does not
/// say how fast a product is that can be bought.
nlohmann::ordered_json disk_facts(const std::filesystem::path& directory,
                                  const std::filesystem::path& root = "/");

/// The same of device number major:minor and file system, for a machine that is described by files.
nlohmann::ordered_json disk_facts(unsigned major, unsigned minor,
                                  const std::filesystem::path& root);

/// Cores that this process may use.
int usable_cores();

/// Memory of the host that is free or would be given back, within what the process's control group
/// may have.
Bytes available_memory(const std::filesystem::path& root = "/");

}  // namespace terrace::calibrate
