#include "calibrate/measuring/points_file.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "calibrate/measuring/point_check.hpp"
#include "sim/config/node.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "terrace-calib/1";

/// To six digits: more is noise.
double rounded(double x) { return std::strtod(fmt::format("{:.6g}", x).c_str(), nullptr); }

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The items, one per line.
template <class Items>
std::string lines_of(const Items& items) {
  std::string text = "[";
  for (const auto& item : items) {
    text += fmt::format("{}\n    {}", text.size() > 1 ? "," : "", line_of(json_of(item)));
  }
  return text + (text.size() > 1 ? "\n  ]" : "]");
}

}  // namespace

Json json_of(const MeasuredPoint& point) {
  Json json = {{"id", point.id}, {"family", point.family}, {"x", point.x}};
  if (!point.cache.empty()) json["l2"] = point.cache;
  json["ok"] = point.error.empty();
  json["t_s"] = rounded(point.at);
  if (!point.error.empty()) {
    json["error"] = point.error;
    return json;
  }
  const Sample& s = point.sample;
  json["unit"] = point.unit;
  json["median"] = rounded(s.median);
  json["mad"] = rounded(s.mad);
  json["p10"] = rounded(s.p10);
  json["p90"] = rounded(s.p90);
  json["min"] = rounded(s.min);
  json["n"] = s.n;
  json["rep_per_batch"] = s.calls;
  for (const double one : s.series) json["series"].push_back(rounded(one));
  for (const auto& [name, value] : s.beside) json["beside"][name] = rounded(value);
  Json flags = Json::array();
  if (!s.stable) flags.push_back("unstable");
  if (point.drifted) flags.push_back("drift");
  if (!flags.empty()) json["flags"] = flags;
  return json;
}

Json json_of(const SentinelReading& reading) {
  Json json = {{"t_s", rounded(reading.at)}};
  for (const auto& [name, rate] : reading.rates) json[name] = rounded(rate);
  for (const auto& [name, number] : reading.gpu) json["gpu"][name] = rounded(number);
  json["drift"] = rounded(reading.drift);
  return json;
}

Json json_of(const KernelFinding& finding) {
  Json json = {{"kernel", finding.kernel}, {"families", finding.families}};
  if (!finding.failure.empty()) {
    json["failure"] = finding.failure;
  } else {
    // JSON has no infinity, which NaN is as far as errors go.
    json["error"] = std::isfinite(finding.error) ? Json(finding.error) : Json(nullptr);
  }
  json["bound"] = finding.bound;
  return json;
}

MeasuredPoint point_of(const Json& json) {
  MeasuredPoint point;
  point.id = json.at("id").get<std::string>();
  point.family = json.at("family").get<std::string>();
  point.x = json.at("x");
  point.cache = json.value("l2", "");
  point.at = json.value("t_s", 0.0);
  if (!json.at("ok").get<bool>()) {
    point.error = json.value("error", "not said");
    return point;
  }
  point.unit = json.at("unit").get<std::string>();
  Sample& s = point.sample;
  s.median = json.at("median").get<double>();
  s.mad = json.value("mad", 0.0);
  s.p10 = json.value("p10", s.median);
  s.p90 = json.value("p90", s.median);
  s.min = json.value("min", s.median);
  s.n = json.value("n", std::int64_t{1});
  s.calls = json.value("rep_per_batch", std::int64_t{1});
  s.series = json.value("series", std::vector<double>{});
  const Json beside = json.value("beside", Json::object());
  for (const auto& [name, value] : beside.items()) {
    s.beside.emplace_back(name, value.get<double>());
  }
  for (const Json& flag : json.value("flags", Json::array())) {
    if (flag == "unstable") s.stable = false;
    if (flag == "drift") point.drifted = true;
  }
  return point;
}

SentinelReading sentinel_of(const Json& json) {
  SentinelReading reading;
  for (const auto& [name, value] : json.items()) {
    if (name == "gpu") {
      for (const auto& [what, state] : value.items()) {
        reading.gpu.emplace_back(what, state.get<double>());
      }
      continue;
    }
    const double number = value.get<double>();
    if (name == "t_s") {
      reading.at = number;
    } else if (name == "drift") {
      reading.drift = number;
    } else {
      reading.rates.emplace_back(name, number);
    }
  }
  return reading;
}

KernelFinding finding_of(const Json& json) {
  KernelFinding finding;
  finding.kernel = json.at("kernel").get<std::string>();
  finding.families = json.at("families").get<std::vector<std::string>>();
  finding.bound = json.at("bound").get<double>();
  finding.failure = json.value("failure", "");
  const Json error = json.value("error", Json(0.0));
  finding.error = error.is_number() ? error.get<double>() : std::numeric_limits<double>::infinity();
  return finding;
}

std::string points_text(const MeasuredRun& run) {
  return fmt::format(
      "{{\n  \"schema\": \"{}\",\n  \"created\": {},\n  \"tool\": {},\n  \"host\": {},\n"
      "  \"checks\": {},\n  \"sentinels\": {},\n  \"points\": {}\n}}\n",
      kSchema, line_of(run.created), line_of(run.tool), line_of(run.host), lines_of(run.findings),
      lines_of(run.sentinels), lines_of(run.points));
}

config::ConfigError no_calibration(const std::string& name, const std::string& why) {
  return config::ConfigError(
      fmt::format("{}: error: {}\n  'terrace calibrate' writes such files\n", name, why));
}

MeasuredRun read_measured_run(const std::filesystem::path& path) {
  const std::string name = path.string();
  return measured_run(name, calibration_json(name, config::read_text_file(name)));
}

Json calibration_json(const std::string& name, std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    throw no_calibration(name, "no calibration: it is not JSON, or not whole");
  }
  if (!json.is_object()) {
    throw no_calibration(name,
                         fmt::format("no calibration: it is JSON, but {} instead of a mapping",
                                     json.is_array() ? "a list" : shown(json)));
  }
  if (json.value("schema", Json()) != kSchema) {
    throw no_calibration(name, fmt::format("no calibration: its 'schema' is not {}", kSchema));
  }
  return json;
}

MeasuredRun measured_run(const std::string& name, const Json& json) {
  try {
    MeasuredRun run{
        json.at("created").get<std::string>(), json.at("tool"), json.at("host"), {}, {}};
    for (const Json& item : json.at("sentinels")) run.sentinels.push_back(sentinel_of(item));
    run.compared = json.contains("checks");
    for (const Json& item : json.value("checks", Json::array())) {
      run.findings.push_back(finding_of(item));
    }
    for (const Json& item : json.at("points")) run.points.push_back(point_of(item));
    return run;
  } catch (const Json::exception& e) {
    throw no_calibration(name, fmt::format("a calibration that lacks something: {}", e.what()));
  }
}

}  // namespace terrace::calibrate
