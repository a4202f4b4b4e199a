#include "calibrate/measuring/point_check.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "calibrate/fitting/points.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLeast = 1e-15;
constexpr double kMost = 1e15;
constexpr std::array<std::string_view, 5> kUnits{"us", "ns", "ms", "s", "GB/s"};
constexpr std::array<std::string_view, 20> kSizes{
    "m",   "n",  "k",    "b",     "batch",    "kv",        "kv_len", "s",  "seq_len", "nh",
    "nkv", "hd", "page", "bytes", "fragment", "fragments", "blocks", "io", "depth",   "chunk"};

bool is_one_of(std::string_view word, const auto& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::string shown(const Json& value) {
  constexpr std::size_t kLongest = 40;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return escape_controls(text);
}

bool PointCheck::full() const { return mistakes_.size() >= kMostMistakes; }

void PointCheck::error(const std::string& where, const std::string& what) {
  if (!full()) mistakes_.push_back(where.empty() ? what : where + ": " + what);
}

const std::string* PointCheck::text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  return found->get_ptr<const std::string*>();
}

bool PointCheck::number(const std::string& where, const Json& object, const char* key, double least,
                        double most, bool needed) {
  const auto found = object.find(key);
  if (found == object.end()) {
    if (needed) error(where, fmt::format("'{}' is missing", key));
    return !needed;
  }
  if (found->is_number() && found->get<double>() >= least && found->get<double>() <= most) {
    return true;
  }
  error(where,
        fmt::format("{} is {}, not a number from {:g} to {:g}", key, shown(*found), least, most));
  return false;
}

template <class Good>
void PointCheck::list(const std::string& where, const Json& point, const char* key, Good is_good) {
  const auto found = point.find(key);
  if (found == point.end()) return;
  if (!found->is_array()) {
    error(where, fmt::format("'{}' has to be a list", key));
    return;
  }
  const auto bad =
      std::find_if(found->begin(), found->end(), [&](const Json& one) { return !is_good(one); });
  if (bad != found->end()) error(where, fmt::format("{} has {}", key, shown(*bad)));
}

void PointCheck::numbers(const std::string& where, const Json& mapping) {
  if (!mapping.is_object()) return error(where, "has to be a mapping");
  for (const auto& [key, value] : mapping.items()) {
    number(where, mapping, key.c_str(), 0, kMost);
  }
}

void PointCheck::sentinel(const std::string& where, const Json& reading) {
  for (const auto& [key, value] : reading.items()) {
    if (key == "gpu") {
      numbers(where + ": gpu", value);
      continue;
    }
    number(where, reading, key.c_str(), key == "t_s" || key == "drift" ? 0 : kLeast, kMost);
  }
}

void PointCheck::finding(const std::string& where, const Json& finding) {
  const std::string* name = finding.is_object() ? text_at(finding, "kernel") : nullptr;
  if (name == nullptr) return error(where, "each has to say of which 'kernel' it is");
  const std::string which = where + ": " + escape_controls(*name);
  number(which, finding, "bound", 0, 1, true);
  if (finding.contains("error") && !finding["error"].is_null()) {
    number(which, finding, "error", 0, std::numeric_limits<double>::max());
  }
  if (!finding.contains("families")) error(which, "'families' has to be a list");
  list(which, finding, "families", [](const Json& one) { return one.is_string(); });
  if (finding.contains("failure") && text_at(finding, "failure") == nullptr) {
    error(which, "'failure' has to be a text");
  }
}

void PointCheck::point(const std::string& where, const std::string& place, const Json& point) {
  if (full()) return;
  const std::string* id = text_at(point, "id");
  if (id == nullptr || id->empty()) {
    error(where + ": " + place, "'id' has to be a text that is not empty");
    return;
  }
  const std::string which = where + ": " + escape_controls(*id);
  if (!ids_.insert(*id).second) error(which, "two points have this id");
  const std::string* family = text_at(point, "family");
  if (family == nullptr || family->empty()) error(which, "'family' has to be a word");
  for (const char* key : {"l2", "error"}) {
    if (point.contains(key) && text_at(point, key) == nullptr) {
      error(which, fmt::format("'{}' has to be a text", key));
    }
  }
  number(which, point, "t_s", 0, kMost);
  shape(which, point);
  const auto ok = point.find("ok");
  if (ok == point.end() || !ok->is_boolean()) {
    error(which, "'ok' has to be true or false");
  } else if (ok->get<bool>()) {
    sample(which, point);
  }
}

void PointCheck::shape(const std::string& where, const Json& point) {
  const auto x = point.find("x");
  if (x == point.end() || !x->is_object()) {
    error(where, "'x' has to be a mapping that says what was measured");
    return;
  }
  for (const auto& [key, value] : x->items()) {
    if (value.is_string() || value.is_boolean()) {
      if (!is_one_of(key, kSizes)) continue;
    }
    if (!value.is_number() && !is_one_of(key, kSizes)) {
      error(where, fmt::format("x.{} is {}, not a number, a word, true or false",
                               escape_controls(key), shown(value)));
      continue;
    }
    number(where + ": x", *x, key.c_str(), is_one_of(key, kSizes) ? 1 : 0, kMost);
  }
}

void PointCheck::sample(const std::string& where, const Json& point) {
  const std::string* unit = text_at(point, "unit");
  if (unit == nullptr || !is_one_of(*unit, kUnits)) {
    error(where, fmt::format("unit is {}, not one of {}",
                             point.contains("unit") ? shown(point["unit"]) : "missing",
                             fmt::join(kUnits, ", ")));
  }
  bool good = number(where, point, "median", kLeast, kMost, true);
  for (const char* key : {"mad", "p10", "p90", "min"}) {
    good = number(where, point, key, 0, kMost) && good;
  }
  if (good) quantiles(where, point);
  for (const char* key : {"n", "rep_per_batch"}) whole_number(where, point, key);
  if (point.contains("beside")) numbers(where + ": beside", point["beside"]);
  list(where, point, "series", [](const Json& one) {
    return one.is_number() && one.get<double>() >= 0 && one.get<double>() <= kMost;
  });
  list(where, point, "flags", [](const Json& one) { return one.is_string(); });
}

void PointCheck::quantiles(const std::string& where, const Json& point) {
  const char* before = nullptr;
  for (const char* key : {"min", "p10", "median", "p90"}) {
    if (!point.contains(key)) continue;
    if (before != nullptr && point.at(before) > point.at(key)) {
      error(where, fmt::format("{} is {}, above its {}, {}", before, shown(point.at(before)), key,
                               shown(point.at(key))));
      return;
    }
    before = key;
  }
}

void PointCheck::whole_number(const std::string& where, const Json& point, const char* key) {
  const auto found = point.find(key);
  if (!number(where, point, key, 1, kMost) || found == point.end()) return;
  if (!found->is_number_integer()) {
    error(where, fmt::format("{} is {}, not a whole number", key, shown(*found)));
  }
}

}  // namespace terrace::calibrate
