#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/metrics/summary.hpp"
#include "sim/report/header.hpp"
#include "sim/report/request_csv.hpp"
#include "sim/report/series_csv.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

constexpr int kManifestSchemaVersion = 1;

/// How a run came about.
struct Provenance {
  std::string tool_version;
  std::int64_t seed = 0;
  std::vector<std::string> argv;
  std::string resolved_yaml;  // resolved_yaml(scenario)
};

/// The results of one run, as files:
///   manifest.json         how it came about, and whether it is all there; written last
///   config.resolved.yaml  the scenario, every value spelled out
///   summary.json          to_json()
///   requests.csv          a row for every request that left, in that order; while it runs
///   timeseries.csv        a row for every replica, and for all, at every tick; while it runs
///   tiers.csv, links.csv  a row each
///   misses.csv            if output.misses: a row for each cause and place
/// Nothing depends on the clock, the host or the path: the same run gives the same bytes.
///
/// Every failure to write throws std::runtime_error with the path and the reason.
/// Protocol: construct, (run with observers()), finish()?
class RunDirectory {
 public:
  /// Creates `path` if need be; results of an earlier run there are removed at once.
  RunDirectory(const std::filesystem::path& path, Bytes block_bytes);

  [[nodiscard]] std::vector<Observer*> observers() { return {&requests_, &series_}; }

  /// Writes what is left and closes all files.
  void finish(const Summary& summary, const ReportHeader& header, const Provenance& provenance);

 private:
  std::filesystem::path path_;
  RequestCsv requests_;
  SeriesCsv series_;
};

}  // namespace terrace
