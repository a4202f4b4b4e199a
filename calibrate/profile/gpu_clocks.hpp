#pragma once

#include <string>
#include <vector>

#include "calibrate/measuring/points_file.hpp"

namespace terrace::calibrate {

/// "GPU under load: 1755 to 1980 MHz, up to 512 W and 64 degrees, PCIe 5.0 x16; not slowed down",
/// in one line of what sentinels saw; empty if they saw no GPU's state.
std::string gpu_clocks_text(const std::vector<SentinelReading>& sentinels);

}  // namespace terrace::calibrate
