#pragma once

#include <string>
#include <string_view>

namespace terrace {

// What is behind a result, told apart by XXH3-128 (xxhash.com): 32 hexadecimal digits. It finds
// changes, not forgers.

[[nodiscard]] std::string hash_of(std::string_view text);

/// Size and hash of a file's content, or "missing".
[[nodiscard]] std::string file_identity(const std::string& path);

}  // namespace terrace
