#include "calibrate/profile/machine_profile.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "calibrate/profile/device_part.hpp"
#include "calibrate/profile/disk_part.hpp"
#include "calibrate/profile/host_part.hpp"
#include "calibrate/profile/kernel_part.hpp"
#include "calibrate/profile/link_part.hpp"
#include "calibrate/profile/part.hpp"
#include "sim/base/text.hpp"
#include "sim/config/writer.hpp"

namespace terrace::calibrate {
namespace {

/// A comment line of its own, whatever is in the text.
std::string comment(const std::string& text) {
  std::string line = "# ";
  for (const char c : escape_controls(text)) line += c == '\n' ? ' ' : c;
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

/// Laws of the kernels that the run measured, unless the catalogue has those of engines: they tell
/// what is served with, which the kernels of a calibration do not.
std::optional<KernelProfile> kernels_of(PartMaker& maker, const GpuSpec& gpu) {
  auto measured = kernel_part(maker, gpu);
  if (gpu.kernels.empty() || !measured) return measured;
  maker.notes.push_back(
      fmt::format("times of kernels stay those of '{}', which are published for this GPU; the laws "
                  "of this run's own kernels are in its report alone",
                  gpu.kernels));
  return std::nullopt;
}

}  // namespace

MachineProfile machine_profile(const MeasuredRun& run, const config::Catalogue& catalogue) {
  PartMaker maker{run, catalogue};
  MachineProfile profile;
  HardwareSpec& machine = profile.machine;
  machine.gpu = device_part(maker);
  link_part(maker, machine.gpu);
  if (!maker.fact("gpu").empty()) machine.kernels = kernels_of(maker, machine.gpu);
  machine.host = host_part(maker, machine.gpu);
  machine.ssd = disk_part(maker);
  profile.families = std::move(maker.families);
  profile.notes = std::move(maker.notes);
  return profile;
}

std::string machine_yaml(const MachineProfile& profile, const MeasuredRun& run) {
  std::string text = comment(fmt::format("{}, as 'terrace calibrate' measured it on {}.",
                                         profile.machine.gpu.name, run.created.substr(0, 10)));
  for (const std::string& note : profile.notes) text += comment(note);
  HardwareSpec machine = profile.machine;
  return text + config::Writer().write(machine);
}

}  // namespace terrace::calibrate
