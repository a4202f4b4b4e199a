#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace terrace::calibrate {

/// What is called of NVML: nothing that sets anything. Types and numbers are those of its C
/// interface, which does not change for a name (docs.nvidia.com/deploy/nvml-api). All but the first
/// three may be null where a driver is old.
struct NvmlFunctions {
  using Device = struct nvmlDevice_st*;

  int (*init)() = nullptr;  // nvmlInit_v2; 0 is success
  int (*shutdown)() = nullptr;
  int (*device)(const char* pci, Device*) = nullptr;  // nvmlDeviceGetHandleByPciBusId_v2
  int (*uuid)(Device, char* text, unsigned length) = nullptr;
  int (*ecc)(Device, int* now, int* after_reboot) = nullptr;
  int (*persistence)(Device, int* on) = nullptr;
  int (*clock)(Device, int kind, unsigned* mhz) = nullptr;  // nvmlDeviceGetClockInfo
  int (*power)(Device, unsigned* milliwatts) = nullptr;
  int (*temperature)(Device, int sensor, unsigned* celsius) = nullptr;
  int (*slow_because)(Device, unsigned long long* reasons) = nullptr;
  int (*pcie_generation)(Device, unsigned* now) = nullptr;
  int (*pcie_width)(Device, unsigned* now) = nullptr;
};

/// Those of the driver here. Throws std::runtime_error if there is no NVML.
NvmlFunctions nvml_functions();

/// Looks at one GPU.
class GpuWatch {
 public:
  /// `pci`: "0000:3b:00.0". Throws std::runtime_error if NVML does not know it.
  GpuWatch(const NvmlFunctions& functions, const std::string& pci);
  ~GpuWatch();
  GpuWatch(const GpuWatch&) = delete;
  GpuWatch& operator=(const GpuWatch&) = delete;

  /// What stays: a hash that tells this GPU from others and nothing else, ECC, persistence mode.
  [[nodiscard]] nlohmann::ordered_json facts() const;

  /// What changes: sm_mhz, mem_mhz, w, celsius, slow_because (NVML's bits), pcie_gen, pcie_width.
  /// What the driver does not tell is left out. Idle GPUs slow down clocks and link by themselves.
  [[nodiscard]] std::vector<std::pair<std::string, double>> state() const;

 private:
  NvmlFunctions call_;
  NvmlFunctions::Device device_ = nullptr;
};

/// Of a state, the reasons for which a GPU is slower than it could be: power, heat, others that it
/// keeps pace with; not that it is idle, or set to a clock.
std::uint64_t slowing_reasons(const std::vector<std::pair<std::string, double>>& state);

/// "power cap, heat": what the bits say.
std::string reasons_text(std::uint64_t reasons);

}  // namespace terrace::calibrate
