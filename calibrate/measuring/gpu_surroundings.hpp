#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/vendor/cu_file.hpp"
#include "calibrate/vendor/nvml.hpp"

namespace terrace::calibrate {

/// What a machine has around a GPU, beside CUDA. Where a vendor's library is not there, what is
/// lost is said, and the rest goes on without it.
struct GpuSurroundings {
  /// Keeps this thread, and those it starts, near the GPU at this address of PCI, and opens NVML,
  /// and cuFile where that is wanted. `threads`: of the processor, as asked for; `root`: "/".
  GpuSurroundings(const std::string& pci, int threads, bool wants_cu_file,
                  const std::filesystem::path& root = "/");

  int threads;                    // that are left near the GPU
  nlohmann::ordered_json facts;   // for the host's
  std::vector<std::string> lost;  // what, and why, a line each
  std::optional<GpuWatch> watch;  // by NVML
  std::optional<CuFile> cu_file;
  std::string why_no_cu_file;  // where it was wanted
};

}  // namespace terrace::calibrate
