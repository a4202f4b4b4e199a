#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace terrace::app {

/// The numbers that an option lists: `8`, `1,8`, `4k..1M x2` (each twice the last),
/// `16k..64k +16k`; k is 1,024 and M 1,048,576. Sorted, each once. Throws UsageError if there is
/// none, if one is not in low .. high, or if there are more than kMostNumbers.
constexpr std::size_t kMostNumbers = 10'000;
std::vector<std::int64_t> number_axis(std::string_view option, const std::string& text,
                                      std::int64_t low, std::int64_t high);

/// "128k", "1M"; of others "1,000".
std::string in_binary_units(std::int64_t number);

}  // namespace terrace::app
