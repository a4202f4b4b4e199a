#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/fields.hpp"

namespace terrace {

/// The name of a registered eviction policy, checked when it is read from a file.
struct EvictionName {
  std::string name = "lru";
};

}  // namespace terrace

template <>
struct terrace::config::Scalar<terrace::EvictionName> {
  static constexpr std::string_view kForm = "the name of an eviction policy";
  static constexpr std::string_view kKind = "eviction policy";
  static constexpr std::string_view kJsonType = "string";
  static std::vector<std::string_view> names();
  static Parsed<EvictionName> parse(std::string_view text);
  static std::string format(const EvictionName& value) { return value.name; }
  static double magnitude(const EvictionName&) { return 0; }
};
