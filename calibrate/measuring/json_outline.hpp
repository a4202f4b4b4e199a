#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace terrace::calibrate {

/// What can be told of a text of JSON before it is read: whether that would go too deep, as what
/// reads and drops JSON calls itself for each level, and on which lines the items of its lists are.
class JsonOutline {
 public:
  static constexpr int kDeepest = 64;  // levels

  explicit JsonOutline(std::string_view text);

  [[nodiscard]] bool is_too_deep() const { return deepest_ > kDeepest; }

  /// The line of a mapping in a list of the root, counting mappings alone; 1 if there is none.
  [[nodiscard]] int line(const std::string& list, std::size_t mapping) const;

 private:
  int deepest_ = 0;
  std::map<std::string, std::vector<int>, std::less<>> lines_;
};

}  // namespace terrace::calibrate
