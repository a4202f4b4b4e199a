#include "sim/report/run_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/report/json.hpp"
#include "sim/report/run_directory.hpp"

namespace terrace {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw config::ConfigError(fmt::format("{}: error: {}\n", path.string(), what));
}

/// What stands there, if that can be found out.
fs::file_type type_of(const fs::path& path) {
  std::error_code failed;
  const fs::file_type type = fs::status(path, failed).type();
  if (type == fs::file_type::none) fail(path, "cannot be looked at: " + failed.message());
  return type;
}

/// The run directory beside `path` that was most plausibly meant.
std::string suggestion(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (fs::exists(entry.path() / "manifest.json", failed)) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto near = closest(path.filename().string(), candidates);
  return near ? fmt::format("; did you mean '{}'?", (path.parent_path() / *near).string()) : "";
}

Json parsed(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, "cannot be read");
  Json json = Json::parse(std::string(std::istreambuf_iterator<char>(in), {}), nullptr, false);
  if (!json.is_object()) {
    fail(path, "is damaged: it is no JSON object; run the scenario again");
  }
  return json;
}

/// The word as a shell would have to be given it.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::optional<MissCause> cause_of(const std::string& name) {
  const auto* const found = std::find(kMissCauseNames.begin(), kMissCauseNames.end(), name);
  if (found == kMissCauseNames.end()) return std::nullopt;
  return static_cast<MissCause>(found - kMissCauseNames.begin());
}

}  // namespace

FinishedRun::FinishedRun(const fs::path& path) : path_(path) {
  const fs::file_type type = type_of(path);
  if (type == fs::file_type::not_found) fail(path, "there is no such directory" + suggestion(path));
  if (type != fs::file_type::directory) {
    fail(path, "this is a file; give the directory that 'terrace run --out DIR' wrote");
  }
  for (const char* file : {"manifest.json", "summary.json"}) {
    if (type_of(path / file) != fs::file_type::not_found) continue;
    fail(path, fmt::format("this is not the directory of a finished run: it has no {}; "
                           "'terrace run SCENARIO --out DIR' writes one",
                           file));
  }
  manifest_ = parsed(path / "manifest.json");
  if (value<std::int64_t>(manifest_, "schema_version", "manifest.json: ") !=
      kManifestSchemaVersion) {
    other_version("another schema_version in manifest.json");
  }
  summary_ = parsed(path / "summary.json");
  if (value<std::int64_t>(summary_, "schema_version", "summary.json: ") != kSummarySchemaVersion) {
    other_version("another schema_version in summary.json");
  }
}

void FinishedRun::other_version(const std::string& lacking) const {
  const auto version = manifest_.find("tool_version");
  fail(path_, fmt::format("it was written by another terrace{}: {}; run the scenario again with "
                          "this one",
                          version != manifest_.end() && version->is_string()
                              ? " (" + escape_controls(version->get<std::string>()) + ")"
                              : std::string(),
                          lacking));
}

void FinishedRun::damaged(const std::string& how) const {
  fail(path_ / "summary.json", fmt::format("is damaged: {}; run the scenario again", how));
}

/// The value of a key that this version always writes.
template <class T>
T FinishedRun::value(const Json& object, const char* key, const std::string& path) const {
  try {
    const Json& found = object.at(key);
    if constexpr (std::is_same_v<T, std::int64_t>) {
      constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      const bool large = found.is_number_unsigned() && found.get<std::uint64_t>() > kMost;
      if (found.is_number_float() || large) {
        damaged(fmt::format("'{}{}' is {}, which is no count", path, key, found.dump()));
      }
    }
    return found.get<T>();
  } catch (const Json::exception&) {
    other_version(fmt::format("no proper '{}{}'", path, key));
  }
}

std::string FinishedRun::scenario() const {
  return value<std::string>(summary_, "scenario", "summary.json: ");
}

bool FinishedRun::complete() const { return value<bool>(summary_, "complete", "summary.json: "); }

Duration FinishedRun::duration() const {
  constexpr double kMost = 9.2e6;  // seconds that the clock can tell
  const auto seconds = value<double>(summary_, "duration", "summary.json: ");
  if (!(seconds > 0 && seconds < kMost)) damaged("the run has no proper duration");
  return Duration{std::llround(seconds * 1e12)};
}

std::vector<FinishedRun::Level> FinishedRun::levels() const {
  const Json section = value<Json>(summary_, "tiers", "summary.json: ");
  std::vector<Level> all;
  for (std::size_t i = 0; i < section.size(); ++i) {
    const std::string at = fmt::format("summary.json: tiers[{}].", i);
    const Json& row = section.is_array() ? section[i] : section;
    const Level level{value<std::string>(row, "name", at), value<std::string>(row, "medium", at),
                      Tokens{value<std::int64_t>(row, "lookup_tokens", at)},
                      Tokens{value<std::int64_t>(row, "hit_tokens", at)},
                      Bytes{value<std::int64_t>(row, "written_bytes", at)}};
    if (level.written < Bytes{} || level.hits < Tokens{} || level.hits > level.lookups) {
      damaged(fmt::format("the counts of tier '{}' cannot be", escape_controls(level.name)));
    }
    all.push_back(level);
  }
  return all;
}

std::optional<double> FinishedRun::mean_ttft() const {
  const Json mean = value<Json>(summary_, "mean_ttft_ms", "summary.json: ");
  if (mean.is_null()) return std::nullopt;
  return value<double>(summary_, "mean_ttft_ms", "summary.json: ");
}

fs::path FinishedRun::resolved_scenario() const {
  const fs::path file = path_ / "config.resolved.yaml";
  if (type_of(file) == fs::file_type::not_found) {
    fail(path_, "this run has lost its config.resolved.yaml; run the scenario again");
  }
  return file;
}

MissReport FinishedRun::misses() const {
  const auto section = summary_.find("misses");
  if (section == summary_.end()) {
    std::string command;
    for (const auto& word : value<std::vector<std::string>>(manifest_, "argv", "manifest.json: ")) {
      command += shell_word(word) + ' ';
    }
    fail(path_, fmt::format("this run has not recorded why tokens were missed; this one would:\n"
                            "  {}--misses --out {}",
                            command, shell_word(path_.string())));
  }
  const std::string here = "summary.json: misses.";
  MissReport report;
  report.looked_up = value<std::int64_t>(*section, "looked_up_tokens", here);
  report.missed = value<std::int64_t>(*section, "missed_tokens", here);
  const Json causes = value<Json>(*section, "causes", here);
  for (std::size_t i = 0; i < causes.size(); ++i) {
    const Json& row = causes.is_array() ? causes[i] : causes;
    const std::string at = fmt::format("{}causes[{}].", here, i);
    const auto times = [&](const char* key) -> std::optional<MissReport::Times> {
      const Json object = value<Json>(row, key, at);
      if (object.is_null()) return std::nullopt;
      const std::string inner = at + key + ".";
      return MissReport::Times{value<double>(object, "mean", inner),
                               value<double>(object, "p50", inner),
                               value<double>(object, "p90", inner)};
    };
    MissReport::Line line;
    const auto name = value<std::string>(row, "cause", at);
    const auto cause = cause_of(name);
    if (!cause) {
      other_version(
          fmt::format("{}cause is '{}', which is unknown here", at, escape_controls(name)));
    }
    line.cause = *cause;
    const Json where = value<Json>(row, "where", at);
    if (!where.is_null()) line.where = value<std::string>(row, "where", at);
    line.requests = value<std::int64_t>(row, "requests", at);
    line.tokens = value<std::int64_t>(row, "tokens", at);
    line.idle = times("idle_s");
    line.away = times("away_s");
    report.lines.push_back(std::move(line));
  }
  check(report);
  return report;
}

/// Throws unless the tokens add up.
void FinishedRun::check(const MissReport& report) const {
  if (report.missed < 0 || report.missed > report.looked_up) {
    damaged(fmt::format("{} tokens were missed of {} that were looked up", report.missed,
                        report.looked_up));
  }
  std::int64_t sum = 0;
  for (const MissReport::Line& line : report.lines) {
    if (line.requests < 1 || line.tokens < 1) {
      damaged(fmt::format("a cause is of {} tokens in {} requests", line.tokens, line.requests));
    }
    if (line.tokens > std::numeric_limits<std::int64_t>::max() - sum) {
      damaged("its causes are of more tokens than can be counted");
    }
    sum += line.tokens;
  }
  if (sum == report.missed) return;
  damaged(fmt::format("its causes are of {} tokens, not of the {} that were missed", sum,
                      report.missed));
}

std::array<double, 4> FinishedRun::ttft_parts() const {
  constexpr std::array kKeys = {"queue", "kv_load", "prefill", "other"};
  const Json section = value<Json>(summary_, "ttft_breakdown_ms", "summary.json: ");
  std::array<double, 4> parts{};
  std::size_t nothing = 0;
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    const Json part = value<Json>(section, kKeys[i], "summary.json: ttft_breakdown_ms.");
    if (part.is_null()) {
      ++nothing;
      continue;
    }
    parts[i] = value<double>(section, kKeys[i], "summary.json: ttft_breakdown_ms.");
  }
  if (nothing > 0 && nothing < kKeys.size()) {
    damaged("only some parts of ttft_breakdown_ms are null");
  }
  return parts;
}

}  // namespace terrace
