#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/base/units.hpp"

namespace terrace::calibrate {

// What a measurement has to say of the machine it was made on: kinds, never names, serials or paths
// of anybody's. What the machine does not tell is left out.

/// Processor, caches, memory, NUMA, kernel, hypervisor, pages, governor; as files below `root`,
/// which is "/", say. What changes from one minute to the next, such as free memory, is not in it.
nlohmann::ordered_json host_facts(const std::filesystem::path& root = "/");

/// Of the GPU at this address of PCI ("0000:3b:00.0"): the NUMA node it is at, if it is at one.
nlohmann::ordered_json gpu_place(const std::string& pci, const std::filesystem::path& root = "/");

/// The cores of a list as sysfs writes it, "0-3,8"; empty if it is none.
std::vector<int> cores_of_list(std::string_view list);

/// Keeps this thread, and those it starts from now on, on the cores of the GPU's NUMA node where
/// the machine has several; whether it did.
bool stay_near_gpu(const std::string& pci, const std::filesystem::path& root = "/");

/// Cores that this process may use.
int usable_cores();

/// Memory of the host that is free or would be given back, within what the process's control group
/// may have.
Bytes available_memory(const std::filesystem::path& root = "/");

}  // namespace terrace::calibrate
