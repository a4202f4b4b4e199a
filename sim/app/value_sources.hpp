#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/reader.hpp"

namespace terrace::app {

/// Where the numbers of catalogue entries come from, by the path of what they speak for.
class ValueSources {
 public:
  /// What a reader resolved, which has to outlive this.
  explicit ValueSources(const std::vector<config::Resolved>& values);

  /// Whether this is a source, and not what one speaks for.
  static bool is_one(const config::Resolved& value);

  /// The text for `value`: its own, or that of what it is part of. A value that was laid over the
  /// entry has none: the entry's author did not vouch for it.
  [[nodiscard]] std::string_view of(const config::Resolved& value) const;

 private:
  std::map<std::string, const config::Resolved*, std::less<>> texts_;
};

}  // namespace terrace::app
