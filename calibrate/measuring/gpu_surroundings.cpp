#include "calibrate/measuring/gpu_surroundings.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "calibrate/measuring/environment.hpp"

namespace terrace::calibrate {

GpuSurroundings::GpuSurroundings(const std::string& pci, int wanted_threads, bool wants_cu_file,
                                 const std::filesystem::path& root)
    : threads(wanted_threads), facts(gpu_place(pci, root)) {
  if (stay_near_gpu(pci, root)) {
    facts["threads_near_gpu"] = true;
    threads = std::min(threads, usable_cores());
  }
  if (threads < wanted_threads) {
    lost.push_back(fmt::format("{} of {} threads are used: the GPU's NUMA node has no more cores",
                               threads, wanted_threads));
  }
  try {
    watch.emplace(nvml_functions(), pci);
    facts.update(watch->facts());
  } catch (const std::runtime_error& e) {
    lost.push_back(fmt::format("{}: clocks, power and reasons to be slow are not known", e.what()));
  }
  if (!wants_cu_file) return;
  try {
    cu_file.emplace(cu_file_functions());
    facts["gds_compatibility_mode"] = cu_file->compatibility_mode();
  } catch (const std::runtime_error& e) {
    why_no_cu_file = fmt::format("no GPUDirect Storage: {}", e.what());
    lost.push_back(why_no_cu_file + "; 'bounce', by way of the host's memory, stands for it");
  }
}

}  // namespace terrace::calibrate
