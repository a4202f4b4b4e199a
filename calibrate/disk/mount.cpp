#include "calibrate/disk/mount.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

/// Blanks and such are written as three octal digits after a backslash.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      int code = 0;
      for (const char digit : text.substr(i + 1, 3)) code = 8 * code + (digit - '0');
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool contains(const fs::path& outer, const fs::path& inner) {
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

}  // namespace

bool Mount::in_memory() const {
  return file_system == "tmpfs" || file_system == "ramfs" || file_system == "devtmpfs";
}

Mount mount_of(const fs::path& directory, std::istream& table) {
  Mount best;
  std::size_t longest = 0;
  for (std::string line; std::getline(table, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(unescaped(word));
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || words.end() - dash < 3) continue;
    const std::string& point = words[4];
    if (point.size() < longest || !contains(point, directory)) continue;
    longest = point.size();
    best = {words[2], dash[1], dash[2]};
  }
  return best;
}

Mount mount_of(const fs::path& directory) {
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  std::ifstream table("/proc/self/mountinfo");
  return mount_of(error ? directory : real, table);
}

}  // namespace terrace::calibrate
