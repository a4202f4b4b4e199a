#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/config/diagnostics.hpp"

namespace terrace {

/// The fields of a config.json, as the code of an architecture asks for them. What is wrong is
/// reported at the line of its key, and read as a harmless value, so that all mistakes are found.
/// A field that is null counts as left out, as in Hugging Face's transformers.
class HuggingFaceConfig {
 public:
  static constexpr std::int64_t kMost = 1'000'000'000;

  /// REQUIRES: `object` is an object; `source` is the text it came from.
  HuggingFaceConfig(const nlohmann::json& object, std::string architecture,
                    const config::Source& source, config::Diagnostics& diagnostics)
      : object_(&object),
        architecture_(std::move(architecture)),
        source_(&source),
        diagnostics_(&diagnostics) {}

  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  /// A whole number in [1, most]; a mistake if it is missing.
  std::int64_t size(std::string_view key, std::int64_t most = kMost);
  /// The same with what transformers takes for it if it is missing; `least` may be 0.
  std::int64_t size_or(std::string_view key, std::int64_t fallback, std::int64_t least = 1,
                       std::int64_t most = kMost);
  bool flag_or(std::string_view key, bool fallback);
  std::string text_or(std::string_view key, std::string_view fallback);
  /// Lists of texts and of whole numbers; nothing if missing.
  std::optional<std::vector<std::string>> texts(std::string_view key);
  std::optional<std::vector<std::int64_t>> sizes(std::string_view key);
  /// A mapping of its own; nothing if missing.
  std::optional<HuggingFaceConfig> part(std::string_view key);

  /// Reports what only several fields together can tell, unless anything was reported before.
  void check(bool holds, std::string_view key, std::string_view message,
             std::string_view hint = {});

 private:
  [[nodiscard]] const nlohmann::json* find(std::string_view key) const;
  std::int64_t number(const nlohmann::json& value, std::string_view key, std::int64_t least,
                      std::int64_t most);
  void report(std::string_view key, const std::string& what, std::string_view hint = {});

  const nlohmann::json* object_;
  std::string architecture_;
  const config::Source* source_;
  config::Diagnostics* diagnostics_;
};

}  // namespace terrace
