#pragma once

#include <filesystem>
#include <string>

namespace terrace::calibrate {

/// Where the files of a calibration lie: NAME.points.json and NAME.yaml, and NAME.points.journal
/// until it is complete.
class RunPlace {
 public:
  /// What --out says: how their names begin, or one of their names, of which one ending is cut.
  /// Throws UsageError if nothing can have such a name.
  explicit RunPlace(std::string out);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::filesystem::path points() const { return name_ + ".points.json"; }
  [[nodiscard]] std::filesystem::path journal() const { return name_ + ".points.journal"; }
  [[nodiscard]] std::filesystem::path profile() const { return name_ + ".yaml"; }

  /// Throws UsageError if there is a file already that no journal says is being made.
  void check_free() const;

  /// Throws CannotWrite if one of the files cannot be made.
  void check_writable() const;

 private:
  std::string name_;
};

}  // namespace terrace::calibrate
