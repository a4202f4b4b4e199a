#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace terrace::calibrate {

/// The parts of "a=1,b=2", blanks around them cut off. Throws UsageError, naming `option`, if one
/// has no '='.
std::vector<std::pair<std::string_view, std::string_view>> assignments(std::string_view option,
                                                                       std::string_view text);

}  // namespace terrace::calibrate
