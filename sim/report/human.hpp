#pragma once

#include <cstdint>
#include <string>

#include "sim/base/units.hpp"

namespace terrace::human {

// Numbers as people read them: with a unit, to three or four digits. Not for programs.

[[nodiscard]] std::string time(double seconds);                // "16.89 ms", "3.246 s"
[[nodiscard]] std::string span(Years span);                    // "31.3 min", "8.2 days", "forever"
[[nodiscard]] std::string bytes(double bytes);                 // "12.3 GiB"
[[nodiscard]] std::string bytes(Bytes bytes);                  // or "unlimited"
[[nodiscard]] std::string count(std::int64_t n);               // "1,664"
[[nodiscard]] std::string compact(std::int64_t n);             // "1,664", "16.6 k", "16.6 M"
[[nodiscard]] std::string rate(double per_second);             // "10,172.3", "7.214"
[[nodiscard]] std::string dollars(Dollars amount);             // "0.0132", "3.43k", "1.2M"
[[nodiscard]] std::string percent(double part, double whole);  // "61.3"; "-" of nothing

}  // namespace terrace::human
