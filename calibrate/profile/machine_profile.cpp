#include "calibrate/profile/machine_profile.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/proven.hpp"
#include "calibrate/profile/device_part.hpp"
#include "calibrate/profile/disk_part.hpp"
#include "calibrate/profile/host_part.hpp"
#include "calibrate/profile/interference_notes.hpp"
#include "calibrate/profile/kernel_part.hpp"
#include "calibrate/profile/link_part.hpp"
#include "calibrate/profile/part.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"
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

/// What the program itself would say of the profile if it read it; empty if it takes it.
std::string rejected(const MachineProfile& profile, const MeasuredRun& run,
                     const config::Catalogue& catalogue) {
  config::Diagnostics errors;
  const std::string name = "the profile";
  const config::Node root = config::parse_yaml(name, machine_yaml(profile, run), errors);
  if (errors.ok()) {
    HardwareSpec machine;
    config::Reader(root, name, catalogue, errors).read(machine);
  }
  if (errors.ok()) return {};
  const auto& first = errors.errors().front();
  if (first.place.source == nullptr) return first.message;
  std::string line = first.place.source->lines[static_cast<std::size_t>(first.place.line) - 1];
  line.erase(0, line.find_first_not_of(' '));
  return fmt::format("{} in '{}'", first.message, escape_controls(line));
}

std::string without_end(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

MachineProfile laws_and_machine(const MeasuredRun& run, const config::Catalogue& catalogue) {
  PartMaker maker{run, catalogue};
  MachineProfile profile;
  HardwareSpec& machine = profile.machine;
  const auto attempt = [&](auto make) {
    try {
      make();
    } catch (const config::ConfigError& e) {
      if (profile.missing.empty()) profile.missing = "no profile: " + without_end(e.what());
    }
  };
  attempt([&] { machine.gpu = device_part(maker); });
  attempt([&] { link_part(maker, machine.gpu); });
  if (profile.missing.empty()) {
    attempt([&] { machine.kernels = kernels_of(maker, machine.gpu); });
  }
  attempt([&] { machine.host = host_part(maker, machine.gpu); });
  attempt([&] { machine.ssd = disk_part(maker); });
  interference_notes(maker);
  for (const auto& [family, why] : condemned(run.findings)) {
    maker.notes.push_back(fmt::format("'{}' is missing, nothing of it was timed: {}", family, why));
  }
  profile.families = std::move(maker.families);
  profile.notes = std::move(maker.notes);
  if (profile.missing.empty()) {
    const std::string why = rejected(profile, run, catalogue);
    if (!why.empty()) profile.missing = "no profile: what was measured makes none: " + why;
  }
  for (const char* key : {"gpu", "device", "cpu"}) {
    if (machine.gpu.name.empty()) machine.gpu.name = maker.fact(key);
  }
  if (!profile.missing.empty()) profile.notes.insert(profile.notes.begin(), profile.missing);
  return profile;
}

MachineProfile machine_profile(const MeasuredRun& run, const config::Catalogue& catalogue,
                               const std::string& file) {
  MachineProfile profile = laws_and_machine(run, catalogue);
  require_machine(profile, file);
  return profile;
}

void require_machine(const MachineProfile& profile, const std::string& file) {
  if (profile.missing.empty()) return;
  throw config::ConfigError(
      fmt::format("{}{}error: {}\n", file, file.empty() ? "" : ": ", profile.missing));
}

std::string machine_yaml(const MachineProfile& profile, const MeasuredRun& run) {
  std::string text = comment(fmt::format("{}, as 'terrace calibrate' measured it on {}.",
                                         profile.machine.gpu.name, run.created.substr(0, 10)));
  for (const std::string& note : profile.notes) text += comment(note);
  HardwareSpec machine = profile.machine;
  return text + config::Writer().write(machine);
}

}  // namespace terrace::calibrate
