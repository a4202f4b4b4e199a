#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/base/units.hpp"
#include "sim/report/miss_report.hpp"

namespace terrace {

/// The results of an earlier run, read back from the directory that RunDirectory has written.
///
/// Every failure throws config::ConfigError, which says what is wrong with which file and what to
/// do.
class FinishedRun {
 public:
  explicit FinishedRun(const std::filesystem::path& path);

  [[nodiscard]] std::string scenario() const;
  [[nodiscard]] bool complete() const;

  /// From the first instant to the end of the last request. Above 0.
  [[nodiscard]] Duration duration() const;

  /// A level of the hierarchy, HBM first: what it was asked for, had, and was written.
  struct Level {
    std::string name;
    std::string medium;
    Tokens lookups;
    Tokens hits;
    Bytes written;
  };
  [[nodiscard]] std::vector<Level> levels() const;

  /// Mean time to first token, milliseconds; nothing if no request was completed.
  [[nodiscard]] std::optional<double> mean_ttft() const;

  /// The scenario that was run, every value spelled out.
  [[nodiscard]] std::filesystem::path resolved_scenario() const;

  /// Why tokens were missed, if the run has recorded it.
  [[nodiscard]] MissReport misses() const;

  /// Where the mean time to first token went: queue, kv_load, prefill, other; milliseconds. All 0
  /// if no request was completed.
  [[nodiscard]] std::array<double, 4> ttft_parts() const;

 private:
  [[noreturn]] void other_version(const std::string& lacking) const;
  [[noreturn]] void damaged(const std::string& how) const;
  void check(const MissReport& report) const;
  template <class T>
  [[nodiscard]] T value(const nlohmann::ordered_json& object, const char* key,
                        const std::string& path) const;

  std::filesystem::path path_;
  nlohmann::ordered_json manifest_;
  nlohmann::ordered_json summary_;
};

}  // namespace terrace
