#pragma once

#include <string>
#include <vector>

#include "sim/app/hardware_profile.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::app {

// What people work out from a profile by hand, by kind.

std::vector<Derived> derived(const GpuSpec& gpu);
std::vector<Derived> derived(const HostSpec& host);
std::vector<Derived> derived(const SsdSpec& ssd);
std::vector<Derived> derived(const NetworkSpec& network);
std::vector<Derived> derived(const HardwareSpec& machine);  // "gpu.ridge_bf16" and so on

/// Of a drive in the capacity that `ssd` has.
std::vector<Derived> by_capacity(const SsdSpec& ssd);

/// The few figures that tell one of its kind from another, such as "4800 GB/s".
std::vector<std::string> highlights(const GpuSpec& gpu);
std::vector<std::string> highlights(const HostSpec& host);
std::vector<std::string> highlights(const SsdSpec& ssd);
std::vector<std::string> highlights(const NetworkSpec& network);
std::vector<std::string> highlights(const HardwareSpec& machine);

}  // namespace terrace::app
