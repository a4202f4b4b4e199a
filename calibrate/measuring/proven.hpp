#pragma once

#include <map>
#include <string>
#include <vector>

#include "calibrate/measuring/run.hpp"

namespace terrace::calibrate {

/// Proves each kind of kernel that the plan times, before it does, and keeps what came of it in
/// `so_far`; whether it came to its end. What is not there (Unsupported) has no finding: its points
/// will say so. What was found wrong in an earlier part of the run stays wrong: a device may be
/// right at times. What was timed of it before is taken back. Throws DeviceLost where a kernel
/// breaks the device, with that in `so_far`.
bool prove_kernels(const std::vector<Planned>& plan, const Bench& bench, const RunWorld& world,
                   Progressed& so_far);

/// Families that time a kernel that is wrong, each with why: "gemm/bf16/bf16 is wrong on this
/// device: relative error 0.25, at most 0.01; ...".
std::map<std::string, std::string, std::less<>> condemned(
    const std::vector<KernelFinding>& findings);

/// All points of the plan, in its order: those of condemned families with that instead of a sample.
/// REQUIRES: the others are measured.
std::vector<MeasuredPoint> points_of(const std::vector<Planned>& plan, const Progressed& so_far);

}  // namespace terrace::calibrate
