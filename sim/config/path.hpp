#pragma once

#include <string_view>

namespace terrace::config {

/// Whether the path of a key, such as tiers[0].capacity, is that of `whole`, or of a part of it:
/// setting `whole` sets both.
bool lies_within(std::string_view path, std::string_view whole);

}  // namespace terrace::config
