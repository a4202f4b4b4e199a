#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace terrace::calibrate {

/// Why what a file of points says cannot have been measured. Collects mistakes, at most
/// kMostMistakes, each behind `where`, such as a file and a line, and the
/// id of its point.
class PointCheck {
 public:
  using Json = nlohmann::ordered_json;

  /// Medians are positive, quantiles are in order, units are known, sizes are at least one, and no
  /// two points have one id. `place` is what a point without one is called.
  void point(const std::string& where, const std::string& place, const Json& point);
  /// Rates are positive.
  void sentinel(const std::string& where, const Json& reading);
  /// Of a kernel that was proven. Files from before there were such have none.
  void finding(const std::string& where, const Json& finding);
  /// Whether the number at `key` is from `least` to `most`; one that is not needed may lack.
  bool number(const std::string& where, const Json& object, const char* key, double least,
              double most, bool needed = false);
  void error(const std::string& where, const std::string& what);

  [[nodiscard]] bool full() const;
  [[nodiscard]] const std::vector<std::string>& mistakes() const { return mistakes_; }

  /// The text at `key`; null if there is none.
  static const std::string* text_at(const Json& object, const char* key);

 private:
  /// A mapping of names to numbers.
  void numbers(const std::string& where, const Json& mapping);
  void shape(const std::string& where, const Json& point);
  void sample(const std::string& where, const Json& point);
  void quantiles(const std::string& where, const Json& point);
  void whole_number(const std::string& where, const Json& point, const char* key);
  template <class Good>
  void list(const std::string& where, const Json& point, const char* key, Good is_good);

  std::set<std::string> ids_;
  std::vector<std::string> mistakes_;
};

/// A value as the file has it, but no more than fits in a message.
std::string shown(const nlohmann::ordered_json& value);

}  // namespace terrace::calibrate
