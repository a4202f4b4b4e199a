#pragma once

#include <filesystem>
#include <string>

#include "calibrate/profile/comparison.hpp"

namespace terrace::calibrate {

/// A comparison for people; `a` and `b` are what the user called the two.
std::string comparison_text(const Comparison& comparison, const std::string& a,
                            const std::string& b);

/// The same for programs, with all pairs.
std::string comparison_json(const Comparison& comparison, const std::string& a,
                            const std::string& b);

/// A row for each pair.
void write_comparison_csv(const Comparison& comparison, const std::filesystem::path& path);

}  // namespace terrace::calibrate
