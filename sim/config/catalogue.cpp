#include "sim/config/catalogue.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace terrace::config {

namespace fs = std::filesystem;

std::optional<std::string> Catalogue::find(std::string_view kind, std::string_view name) const {
  std::error_code ignored;
  if (name.find('/') != std::string_view::npos || name.ends_with(".yaml")) {
    if (fs::is_regular_file(name, ignored)) return std::string(name);
    return std::nullopt;
  }
  for (const std::string& root : roots_) {
    const fs::path file = fs::path(root) / kind / (std::string(name) + ".yaml");
    if (fs::is_regular_file(file, ignored)) return file.string();
  }
  return std::nullopt;
}

std::vector<std::string> Catalogue::names(std::string_view kind) const {
  std::vector<std::string> all;
  for (const std::string& root : roots_) {
    std::error_code failed;
    for (const auto& file : fs::directory_iterator(fs::path(root) / kind, failed)) {
      if (file.path().extension() == ".yaml") all.push_back(file.path().stem().string());
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace terrace::config
