#include "sim/app/value_sources.hpp"

namespace terrace::app {
namespace {

constexpr std::string_view kSources = ".sources.";
constexpr std::string_view kSource = ".source";

/// "profile.yaml" of "profile.yaml:3:15"; the whole of anything else.
std::string_view file_of(std::string_view origin) {
  for (int i = 0; i < 2; ++i) {
    const auto colon = origin.rfind(':');
    if (colon == std::string_view::npos) break;
    const std::string_view digits = origin.substr(colon + 1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) break;
    origin = origin.substr(0, colon);
  }
  return origin;
}

}  // namespace

ValueSources::ValueSources(const std::vector<config::Resolved>& values) {
  for (const config::Resolved& value : values) {
    if (const auto at = value.path.find(kSources); at != std::string::npos) {
      const std::string subject = value.path.substr(at + kSources.size());
      texts_[value.path.substr(0, at) + "." + subject] = &value;
    } else if (value.path.ends_with(kSource)) {
      texts_[value.path.substr(0, value.path.size() - kSource.size())] = &value;
    }
  }
}

bool ValueSources::is_one(const config::Resolved& value) {
  return value.path.find(kSources) != std::string::npos || value.path.ends_with(kSource);
}

std::string_view ValueSources::of(const config::Resolved& value) const {
  std::string_view path = value.path;
  while (!path.empty()) {
    if (const auto found = texts_.find(path); found != texts_.end()) {
      const bool same = file_of(found->second->origin) == file_of(value.origin);
      if (!same) return {};
      return found->second->value;
    }
    const auto cut = path.find_last_of(".[");
    path = path.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return {};
}

}  // namespace terrace::app
