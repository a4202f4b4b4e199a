#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/kernel_proof.hpp"
#include "calibrate/measuring/point.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {

/// What the machine did at a job that is the same whenever it is asked.
struct SentinelReading {
  double at = 0;                                      // seconds into the run
  std::vector<std::pair<std::string, double>> rates;  // "copy_gbs": 12.3, ...; more is faster
  double drift = 0;                                   // the worst rate's distance from its median
  std::vector<std::pair<std::string, double>> gpu{};  // its state under load: "sm_mhz": 1980
};

/// A calibration's measurements, finished: what NAME.points.json holds.
struct MeasuredRun {
  std::string created;          // "2026-11-22T10:00:00Z"
  nlohmann::ordered_json tool;  // version, compiler, and what was asked for
  nlohmann::ordered_json host;  // what it was measured on
  std::vector<SentinelReading> sentinels;
  std::vector<MeasuredPoint> points;      // by family and plan, not by time
  std::vector<KernelFinding> findings{};  // of kernels that were proven first
  bool compared = true;                   // false of files from before that was done
};

/// As files and journals keep them; numbers to six digits, but those of a finding to the last bit:
/// it is to be judged again. `ok` is false of points without a sample; flags, "unstable" and
/// "drift", say why one is to be trusted less.
nlohmann::ordered_json json_of(const MeasuredPoint& point);
nlohmann::ordered_json json_of(const SentinelReading& reading);
nlohmann::ordered_json json_of(const KernelFinding& finding);

/// The way back. Throw nlohmann::json::exception about what is not there.
MeasuredPoint point_of(const nlohmann::ordered_json& json);
SentinelReading sentinel_of(const nlohmann::ordered_json& json);
KernelFinding finding_of(const nlohmann::ordered_json& json);

/// A point per line, between what is indented.
std::string points_text(const MeasuredRun& run);

/// Throws ConfigError if it is no such file. Whether its values can be believed is not looked at.
MeasuredRun read_measured_run(const std::filesystem::path& path);

// The same in two steps, between which values can be looked at (profile/run_check.hpp).
nlohmann::ordered_json calibration_json(const std::string& name, std::string_view text);
MeasuredRun measured_run(const std::string& name, const nlohmann::ordered_json& json);

/// What such a file is refused with.
config::ConfigError no_calibration(const std::string& name, const std::string& why);

}  // namespace terrace::calibrate
