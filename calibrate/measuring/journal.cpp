#include "calibrate/measuring/journal.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

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

std::optional<Progressed> Journal::read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  Progressed found;
  while (std::getline(in, line)) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) break;  // the last line, cut short
    try {
      if (json.contains(kHeader)) {
        found.header = json.at(kHeader);
      } else if (json.contains("id")) {
        found.points.push_back(point_of(json));
      } else if (json.contains("kernel")) {
        found.findings.push_back(finding_of(json));
      } else {
        found.sentinels.push_back(sentinel_of(json));
      }
    } catch (const Json::exception&) {
      break;
    }
  }
  if (found.header.is_null()) return std::nullopt;
  return found;
}

Journal::Journal(std::filesystem::path path, const Progressed& before) : path_(std::move(path)) {
  const std::filesystem::path part = path_.string() + ".part";
  file_.emplace(part);
  line({{kHeader, before.header}});
  for (const KernelFinding& finding : before.findings) add(finding);
  for (const SentinelReading& reading : before.sentinels) add(reading);
  for (const MeasuredPoint& point : before.points) add(point);
  std::error_code error;
  std::filesystem::rename(part, path_, error);  // the file stays open, under its new name
  if (error) throw std::runtime_error("cannot write " + path_.string() + ": " + error.message());
}

void Journal::add(const MeasuredPoint& point) { line(json_of(point)); }
void Journal::add(const SentinelReading& reading) { line(json_of(reading)); }
void Journal::add(const KernelFinding& finding) { line(json_of(finding)); }

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
