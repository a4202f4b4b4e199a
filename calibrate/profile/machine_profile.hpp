#pragma once

#include <string>
#include <vector>

#include "calibrate/measuring/points_file.hpp"
#include "calibrate/profile/family_fit.hpp"
#include "sim/config/catalogue.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::calibrate {

/// A machine as simulations take it, and how it follows from what was measured there.
struct MachineProfile {
  HardwareSpec machine;             // every number with its source
  std::vector<FamilyFit> families;  // they point into the run
  std::vector<std::string> notes;   // what is assumed, left out or odd
  std::string missing{};            // why there is no machine, only laws; empty if there is
};

/// Points to a machine: laws where there are points enough, the catalogue's numbers where it knows
/// the GPU (and its published times of kernels, if it names any), else assumptions that say so.
/// What was not measured at all and can be left out is left out (drives); families whose kernels
/// were found wrong are named in a note. A pure function of its
/// arguments; the run has to outlive the result. Throws ConfigError, about `file` if that is known,
/// if not even a device can be made of the points, or none that could be read again.
MachineProfile machine_profile(const MeasuredRun& run, const config::Catalogue& catalogue,
                               const std::string& file = {});

/// The same for who wants the laws, too, where there is no machine: says so instead of throwing.
MachineProfile laws_and_machine(const MeasuredRun& run, const config::Catalogue& catalogue);

/// Throws the ConfigError that machine_profile() throws if the profile has no machine.
void require_machine(const MachineProfile& profile, const std::string& file);

/// The text of NAME.yaml, which `terrace run --hw NAME` reads.
std::string machine_yaml(const MachineProfile& profile, const MeasuredRun& run);

}  // namespace terrace::calibrate
