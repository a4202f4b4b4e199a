#include "calibrate/profile/run_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "calibrate/fitting/points.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepest = 64;  // levels; what reads and drops JSON calls itself for each
constexpr double kLeast = 1e-15;
constexpr double kMost = 1e15;
constexpr std::array<std::string_view, 5> kUnits{"us", "ns", "ms", "s", "GB/s"};
constexpr std::array<std::string_view, 20> kSizes{
    "m",   "n",  "k",    "b",     "batch",    "kv",        "kv_len", "s",  "seq_len", "nh",
    "nkv", "hd", "page", "bytes", "fragment", "fragments", "blocks", "io", "depth",   "chunk"};

bool is_one_of(std::string_view word, const auto& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      if (++depth > kDeepest) return true;
    } else if (!quoted && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

/// As the file has it, but no more than fits in a message.
std::string shown(const Json& value) {
  constexpr std::size_t kLongest = 40;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return escape_controls(text);
}

/// Collects what is wrong with a calibration, place by place.
class Checker {
 public:
  void run(const Json& root) {
    if (!text_at(root, "created")) error("", "'created' has to be a time, as text");
    for (const char* key : {"tool", "host"}) {
      if (!root.contains(key) || !root[key].is_object()) {
        error("", fmt::format("'{}' has to be a mapping", key));
      }
    }
    if (root.contains("host") && root["host"].is_object()) host(root["host"]);
    for (const char* key : {"sentinels", "points"}) {
      if (!root.contains(key) || !root[key].is_array()) {
        error("", fmt::format("'{}' has to be a list", key));
        continue;
      }
      std::size_t at = 0;
      for (const Json& item : root[key]) {
        if (full()) return;
        const std::string where = fmt::format("{}[{}]", key, at++);
        if (!item.is_object()) {
          error(where, "has to be a mapping");
        } else if (std::string_view(key) == "points") {
          point(where, item);
        } else {
          sentinel(where, item);
        }
      }
    }
  }

  [[nodiscard]] const std::vector<std::string>& mistakes() const { return mistakes_; }

 private:
  [[nodiscard]] bool full() const { return mistakes_.size() >= kMostMistakes; }

  void error(const std::string& where, const std::string& what) {
    if (!full()) mistakes_.push_back(where.empty() ? what : where + ": " + what);
  }

  static const std::string* text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return nullptr;
    return found->get_ptr<const std::string*>();
  }

  /// Whether the number at `key` is from `least` to `most`; one that need not be there may lack.
  bool number(const std::string& where, const Json& object, const char* key, double least,
              double most, bool needed = false) {
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

  void host(const Json& facts) {
    number("host", facts, "memory_mib", 1, 1e9);
    number("host", facts, "cores", 0, 1e6);  // 0 where the system does not tell them
  }

  void sentinel(const std::string& where, const Json& reading) {
    for (const auto& [key, value] : reading.items()) {
      if (key != "gpu") {
        number(where, reading, key.c_str(), 0, kMost);
        continue;
      }
      numbers(where + ": gpu", value);
    }
  }

  /// A mapping of names to numbers.
  void numbers(const std::string& where, const Json& mapping) {
    if (!mapping.is_object()) return error(where, "has to be a mapping");
    for (const auto& [key, value] : mapping.items()) {
      number(where, mapping, key.c_str(), 0, kMost);
    }
  }

  void point(const std::string& place, const Json& point) {
    const std::string* id = text_at(point, "id");
    if (id == nullptr || id->empty()) {
      error(place, "'id' has to be a text that is not empty");
      return;
    }
    const std::string where = escape_controls(*id);
    if (!ids_.insert(*id).second) error(where, "two points have this id");
    const std::string* family = text_at(point, "family");
    if (family == nullptr || family->empty()) error(where, "'family' has to be a word");
    for (const char* key : {"l2", "error"}) {
      if (point.contains(key) && text_at(point, key) == nullptr) {
        error(where, fmt::format("'{}' has to be a text", key));
      }
    }
    number(where, point, "t_s", 0, kMost);
    shape(where, point);
    const auto ok = point.find("ok");
    if (ok == point.end() || !ok->is_boolean()) {
      error(where, "'ok' has to be true or false");
    } else if (ok->get<bool>()) {
      sample(where, point);
    }
  }

  void shape(const std::string& where, const Json& point) {
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

  void sample(const std::string& where, const Json& point) {
    const std::string* unit = text_at(point, "unit");
    if (unit == nullptr || !is_one_of(*unit, kUnits)) {
      error(where, fmt::format("unit is {}, not one of {}",
                               point.contains("unit") ? shown(point["unit"]) : "missing",
                               fmt::join(kUnits, ", ")));
    }
    number(where, point, "median", kLeast, kMost, true);
    for (const char* key : {"mad", "p10", "p90", "min"}) number(where, point, key, 0, kMost);
    for (const char* key : {"n", "rep_per_batch"}) number(where, point, key, 1, kMost);
    if (point.contains("beside")) numbers(where + ": beside", point["beside"]);
    list(where, point, "series", [](const Json& one) {
      return one.is_number() && one.get<double>() >= 0 && one.get<double>() <= kMost;
    });
    list(where, point, "flags", [](const Json& one) { return one.is_string(); });
  }

  void list(const std::string& where, const Json& point, const char* key, auto is_good) {
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

  std::set<std::string> ids_;
  std::vector<std::string> mistakes_;
};

}  // namespace

void check_run(const std::filesystem::path& file, std::string_view text) {
  const auto fail = [&](const std::string& why) {
    return config::ConfigError(fmt::format(
        "{}: error: {}\n  'terrace calibrate' writes such files\n", file.string(), why));
  };
  if (too_deep(text)) throw fail(fmt::format("nested more than {} levels deep", kDeepest));
  const Json root = Json::parse(text, nullptr, false);
  if (root.is_discarded()) throw fail("no calibration: it is not JSON, or not whole");
  if (!root.is_object()) {
    throw fail(fmt::format("no calibration: it is JSON, but {} instead of a mapping",
                           root.is_array() ? "a list" : shown(root)));
  }
  if (root.value("schema", Json()) != "terrace-calib/1") {
    throw fail("no calibration: its 'schema' is not terrace-calib/1");
  }
  Checker checker;
  checker.run(root);
  if (checker.mistakes().empty()) return;
  std::string all;
  for (const std::string& one : checker.mistakes()) {
    all += fmt::format("{}: error: {}\n", file.string(), one);
  }
  throw config::ConfigError(all);
}

}  // namespace terrace::calibrate
