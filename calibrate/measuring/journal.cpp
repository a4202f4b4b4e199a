#include "calibrate/measuring/journal.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/json_outline.hpp"
#include "calibrate/measuring/point_check.hpp"
#include "sim/config/node.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHeader = "terrace-calibrate-journal";

}  // namespace

double Progressed::seconds() const {
  double last = 0;
  for (const MeasuredPoint& point : points) last = std::max(last, point.at);
  for (const SentinelReading& reading : sentinels) last = std::max(last, reading.at);
  return last;
}

std::optional<KeptProgress> Journal::read(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) return std::nullopt;
  return parse(path.string(), config::read_text_file(path.string()));
}

std::optional<KeptProgress> Journal::parse(const std::string& name, std::string_view text) {
  KeptProgress kept;
  PointCheck check;
  int number = 0;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    ++number;
    const std::string where = fmt::format("{}:{}: error", name, number);
    const Json json = JsonOutline(line).is_too_deep() ? Json() : Json::parse(line, nullptr, false);
    const bool is_header = json.is_object() && json.contains(kHeader);
    if (!json.is_object() || is_header != (number == 1)) {
      check.error(where, number == 1 ? "this is no journal of 'terrace calibrate'"
                                     : "this line is not one of a journal's");
    } else if (is_header) {
      kept.progressed.header = json.at(kHeader);
    } else if (json.contains("id")) {
      check.point(where, "a point", json);
      kept.lines.push_back(number);
      if (check.mistakes().empty()) kept.progressed.points.push_back(point_of(json));
    } else if (json.contains("kernel")) {
      check.finding(where, json);
      if (check.mistakes().empty()) kept.progressed.findings.push_back(finding_of(json));
    } else {
      check.sentinel(where, json);
      if (check.mistakes().empty()) kept.progressed.sentinels.push_back(sentinel_of(json));
    }
    if (!check.mistakes().empty()) throw refused(check.mistakes().front());
  }
  if (number > 0) return kept;
  const std::string begin = fmt::format("{{\"{}\":", kHeader);  // of a header that was cut short
  if (text.substr(0, begin.size()) == begin.substr(0, text.size())) return std::nullopt;
  throw refused(name + ":1: error: this is no journal of 'terrace calibrate'");
}

config::ConfigError Journal::refused(const std::string& why) {
  return config::ConfigError(why + "\n  --fresh begins anew, in its place\n");
}

Journal::Journal(std::filesystem::path path, const Progressed& before)
    : path_(std::move(path)), part_(path_.string() + ".part") {
  file_.emplace(part_.path);
  line({{kHeader, before.header}});
  for (const KernelFinding& finding : before.findings) line(json_of(finding));
  for (const SentinelReading& reading : before.sentinels) line(json_of(reading));
  for (const MeasuredPoint& point : before.points) line(json_of(point));
  const bool is_wrong = std::any_of(before.findings.begin(), before.findings.end(),
                                    [](const KernelFinding& finding) { return !finding.ok(); });
  if (is_wrong || !before.points.empty()) put_in_place();
}

Journal::Part::~Part() {
  std::error_code ignored;
  if (!path.empty()) std::filesystem::remove(path, ignored);
}

void Journal::put_in_place() {
  if (is_in_place()) return;
  file_->move_to(path_);
  part_.path.clear();
}

void Journal::add(const MeasuredPoint& point) {
  line(json_of(point));
  put_in_place();
}

void Journal::add(const SentinelReading& reading) { line(json_of(reading)); }

void Journal::remove() {
  file_.reset();
  std::error_code error;
  std::filesystem::remove(path_, error);
  if (error) throw std::runtime_error("cannot remove " + path_.string() + ": " + error.message());
}

void Journal::line(const Json& json) {
  file_->write(json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n');
  file_->flush();
}

}  // namespace terrace::calibrate
