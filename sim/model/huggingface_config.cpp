#include "sim/model/huggingface_config.hpp"

#include <fmt/format.h>

namespace terrace {
namespace {

/// Where the key stands first; the first line if nowhere.
config::Place place_of(const config::Source& source, std::string_view key) {
  const std::string quoted = fmt::format("\"{}\"", key);
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    const auto at = source.lines[i].find(quoted);
    if (at == std::string::npos) continue;
    return {&source, static_cast<int>(i) + 1, static_cast<int>(at) + 1, quoted.size()};
  }
  return {&source};
}

}  // namespace

const nlohmann::json* HuggingFaceConfig::find(std::string_view key) const {
  const auto at = object_->find(key);
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

void HuggingFaceConfig::report(std::string_view key, const std::string& what,
                               std::string_view hint) {
  diagnostics_->error(place_of(*source_, key), fmt::format("{} ({})", what, architecture_),
                      std::string(hint));
}

std::int64_t HuggingFaceConfig::number(const nlohmann::json& value, std::string_view key,
                                       std::int64_t least, std::int64_t most) {
  // Some configs write a whole number as a float: 1e6.
  const double real = value.is_number() ? value.get<double>() : 0;
  const bool whole = value.is_number() && real >= -1e18 && real <= 1e18 &&
                     real == static_cast<double>(static_cast<std::int64_t>(real));
  if (!whole) {
    report(key, fmt::format("'{}' must be a whole number", key));
  } else if (real < static_cast<double>(least) || real > static_cast<double>(most)) {
    report(key, fmt::format("'{}' must be between {} and {}", key, least, most));
  } else {
    return static_cast<std::int64_t>(real);
  }
  return least;
}

std::int64_t HuggingFaceConfig::size(std::string_view key, std::int64_t most) {
  if (const auto* value = find(key)) return number(*value, key, 1, most);
  report(key, fmt::format("'{}' is missing", key));
  return 1;
}

std::int64_t HuggingFaceConfig::size_or(std::string_view key, std::int64_t fallback,
                                        std::int64_t least, std::int64_t most) {
  const auto* value = find(key);
  return value == nullptr ? fallback : number(*value, key, least, most);
}

bool HuggingFaceConfig::flag_or(std::string_view key, bool fallback) {
  const auto* value = find(key);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  report(key, fmt::format("'{}' must be true or false", key));
  return fallback;
}

std::string HuggingFaceConfig::text_or(std::string_view key, std::string_view fallback) {
  const auto* value = find(key);
  if (value == nullptr) return std::string(fallback);
  if (value->is_string()) return value->get<std::string>();
  report(key, fmt::format("'{}' must be a text", key));
  return std::string(fallback);
}

std::optional<std::vector<std::string>> HuggingFaceConfig::texts(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> all;
  bool good = value->is_array();
  if (good) {
    for (const auto& item : *value) {
      if (item.is_string()) {
        all.push_back(item.get<std::string>());
      } else {
        good = false;
      }
    }
  }
  if (!good) report(key, fmt::format("'{}' must be a list of texts", key));
  return all;
}

std::optional<std::vector<std::int64_t>> HuggingFaceConfig::sizes(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::vector<std::int64_t> all;
  if (!value->is_array()) {
    report(key, fmt::format("'{}' must be a list of whole numbers", key));
    return all;
  }
  for (const auto& item : *value) all.push_back(number(item, key, 0, kMost));
  return all;
}

std::optional<HuggingFaceConfig> HuggingFaceConfig::part(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_object()) return HuggingFaceConfig(*value, architecture_, *source_, *diagnostics_);
  report(key, fmt::format("'{}' must be a mapping", key));
  return std::nullopt;
}

void HuggingFaceConfig::check(bool holds, std::string_view key, std::string_view message,
                              std::string_view hint) {
  if (!holds && diagnostics_->ok()) report(key, std::string(message), hint);
}

}  // namespace terrace
