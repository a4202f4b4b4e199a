#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace terrace::config {

/// The shipped descriptions of models and hardware: folders of YAML files, found by name.
class Catalogue {
 public:
  Catalogue() = default;

  /// Looks in `roots` in order; a root holds folders such as "models" or "hwprofiles/gpus".
  explicit Catalogue(std::vector<std::string> roots) : roots_(std::move(roots)) {}

  /// The file of `kind` (a folder below a root) called `name`, which may also be a path.
  [[nodiscard]] std::optional<std::string> find(std::string_view kind, std::string_view name) const;

  /// Every name of `kind`, sorted.
  [[nodiscard]] std::vector<std::string> names(std::string_view kind) const;

  [[nodiscard]] const std::vector<std::string>& roots() const { return roots_; }

 private:
  std::vector<std::string> roots_;
};

}  // namespace terrace::config
