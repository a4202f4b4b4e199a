#include "calibrate/vendor/nvml.hpp"

#include <stdexcept>
#include <string_view>

#include "kernels/dynamic_library.hpp"
#include "sim/study/identity.hpp"

namespace terrace::calibrate {
namespace {

constexpr int kSuccess = 0;
constexpr int kClockOfMultiprocessors = 1;  // NVML_CLOCK_SM
constexpr int kClockOfMemory = 2;           // NVML_CLOCK_MEM
constexpr int kSensorOfGpu = 0;             // NVML_TEMPERATURE_GPU
constexpr unsigned kLongestUuid = 96;       // NVML_DEVICE_UUID_V2_BUFFER_SIZE

/// nvmlClocksThrottleReason...
struct Reason {
  std::uint64_t bit;
  std::string_view name;
};
constexpr Reason kReasons[] = {{0x04, "power cap"},  {0x08, "hardware"},
                               {0x10, "sync boost"}, {0x20, "heat, by software"},
                               {0x40, "heat"},       {0x80, "power brake"}};

}  // namespace

NvmlFunctions nvml_functions() {
  const kernels::DynamicLibrary library{"libnvidia-ml.so.1"};
  NvmlFunctions f;
  const auto need = [&]<class F>(F*& function, const char* name) {
    function = library.find<F>(name);
  };
  const auto like = [&]<class F>(F*& function, const char* name) {
    function = library.find_if_any<F>(name);
  };
  need(f.init, "nvmlInit_v2");
  need(f.shutdown, "nvmlShutdown");
  need(f.device, "nvmlDeviceGetHandleByPciBusId_v2");
  like(f.uuid, "nvmlDeviceGetUUID");
  like(f.ecc, "nvmlDeviceGetEccMode");
  like(f.persistence, "nvmlDeviceGetPersistenceMode");
  like(f.clock, "nvmlDeviceGetClockInfo");
  like(f.power, "nvmlDeviceGetPowerUsage");
  like(f.temperature, "nvmlDeviceGetTemperature");
  like(f.slow_because, "nvmlDeviceGetCurrentClocksThrottleReasons");
  if (f.slow_because == nullptr) like(f.slow_because, "nvmlDeviceGetCurrentClocksEventReasons");
  like(f.pcie_generation, "nvmlDeviceGetCurrPcieLinkGeneration");
  like(f.pcie_width, "nvmlDeviceGetCurrPcieLinkWidth");
  return f;
}

GpuWatch::GpuWatch(const NvmlFunctions& functions, const std::string& pci) : call_(functions) {
  if (const int status = call_.init(); status != kSuccess) {
    throw std::runtime_error("nvmlInit_v2: NVML's status " + std::to_string(status));
  }
  if (const int status = call_.device(pci.c_str(), &device_); status != kSuccess) {
    static_cast<void>(call_.shutdown());
    throw std::runtime_error("NVML does not know the GPU at " + pci + ": its status " +
                             std::to_string(status));
  }
}

GpuWatch::~GpuWatch() { static_cast<void>(call_.shutdown()); }

nlohmann::ordered_json GpuWatch::facts() const {
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();
  char text[kLongestUuid] = {};
  if (call_.uuid != nullptr && call_.uuid(device_, text, kLongestUuid) == kSuccess) {
    facts["gpu_hash"] = hash_of(text).substr(0, 16);
  }
  int now = 0;
  int later = 0;
  if (call_.ecc != nullptr && call_.ecc(device_, &now, &later) == kSuccess) {
    facts["ecc"] = now != 0;
  }
  if (call_.persistence != nullptr && call_.persistence(device_, &now) == kSuccess) {
    facts["persistence"] = now != 0;
  }
  return facts;
}

std::vector<std::pair<std::string, double>> GpuWatch::state() const {
  std::vector<std::pair<std::string, double>> all;
  const auto add = [&](const char* name, auto* function, double unit, auto... kind) {
    unsigned value = 0;
    if (function != nullptr && function(device_, kind..., &value) == kSuccess) {
      all.emplace_back(name, unit * value);
    }
  };
  add("sm_mhz", call_.clock, 1, kClockOfMultiprocessors);
  add("mem_mhz", call_.clock, 1, kClockOfMemory);
  add("w", call_.power, 1e-3);
  add("celsius", call_.temperature, 1, kSensorOfGpu);
  unsigned long long reasons = 0;
  if (call_.slow_because != nullptr && call_.slow_because(device_, &reasons) == kSuccess) {
    all.emplace_back("slow_because", static_cast<double>(reasons));
  }
  add("pcie_gen", call_.pcie_generation, 1);
  add("pcie_width", call_.pcie_width, 1);
  return all;
}

std::uint64_t slowing_reasons(const std::vector<std::pair<std::string, double>>& state) {
  std::uint64_t slowing = 0;
  for (const Reason& reason : kReasons) slowing |= reason.bit;
  for (const auto& [name, value] : state) {
    constexpr double kMost = 1e9;  // more bits than there are
    if (name == "slow_because" && value >= 0 && value < kMost) {
      return static_cast<std::uint64_t>(value) & slowing;
    }
  }
  return 0;
}

std::string reasons_text(std::uint64_t reasons) {
  std::string text;
  for (const Reason& reason : kReasons) {
    if ((reasons & reason.bit) == 0) continue;
    if (!text.empty()) text += ", ";
    text += reason.name;
  }
  return text;
}

}  // namespace terrace::calibrate
