#include "calibrate/profile/run_check.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "calibrate/measuring/json_outline.hpp"
#include "calibrate/measuring/point_check.hpp"
#include "calibrate/measuring/points_file.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

/// What is wrong with a calibration, place by place.
std::vector<std::string> mistakes_of(const Json& root, const JsonOutline& outline,
                                     const std::string& file) {
  PointCheck check;
  const std::string whole = file + ": error";
  if (PointCheck::text_at(root, "created") == nullptr) {
    check.error(whole, "'created' has to be a time, as text");
  }
  for (const char* key : {"tool", "host"}) {
    if (!root.contains(key) || !root[key].is_object()) {
      check.error(whole, fmt::format("'{}' has to be a mapping", key));
    }
  }
  if (root.contains("host") && root["host"].is_object()) {
    check.number(whole + ": host", root["host"], "memory_mib", 1, 1e9);
    // 0 where the system does not tell them
    check.number(whole + ": host", root["host"], "cores", 0, 1e6);
  }
  for (const Json& item : root.value("checks", Json::array())) {
    check.finding(whole + ": checks", item);
  }
  for (const std::string key : {"sentinels", "points"}) {
    if (!root.contains(key) || !root[key].is_array()) {
      check.error(whole, fmt::format("'{}' has to be a list", key));
      continue;
    }
    std::size_t mappings = 0;
    std::size_t at = 0;
    for (const Json& item : root[key]) {
      const std::string place = fmt::format("{}[{}]", key, at++);
      if (!item.is_object()) {
        check.error(fmt::format("{}: {}", whole, place), "has to be a mapping");
        continue;
      }
      const std::string where = fmt::format("{}:{}: error", file, outline.line(key, mappings++));
      if (key == "points") {
        check.point(where, place, item);
      } else {
        check.sentinel(fmt::format("{}: {}", where, place), item);
      }
    }
  }
  return check.mistakes();
}

}  // namespace

nlohmann::ordered_json check_run(const std::filesystem::path& file, std::string_view text) {
  const JsonOutline outline(text);
  if (outline.is_too_deep()) {
    throw no_calibration(file.string(),
                         fmt::format("nested more than {} levels deep", JsonOutline::kDeepest));
  }
  Json root = calibration_json(file.string(), text);
  std::string all;
  for (const std::string& one : mistakes_of(root, outline, file.string())) all += one + "\n";
  if (!all.empty()) throw config::ConfigError(all);
  return root;
}

}  // namespace terrace::calibrate
