#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sim/kv/misses.hpp"

namespace terrace {

/// Why prompt tokens were missed, as far as files and people are told. Seconds.
struct MissReport {
  struct Times {
    double mean = 0;
    double p50 = 0;
    double p90 = 0;
  };
  struct Line {
    MissCause cause = MissCause::never_seen;
    std::string where;  // "hbm", a tier's name, or empty
    std::int64_t requests = 0;
    std::int64_t tokens = 0;
    std::optional<Times> idle;  // of evicted ones: from the last use there until the eviction
    std::optional<Times> away;  // and until the look-up that missed
  };

  std::int64_t looked_up = 0;
  std::int64_t missed = 0;
  std::vector<Line> lines;
};

[[nodiscard]] MissReport make_miss_report(const Misses& misses);

/// The most tokens first.
void sort_by_tokens(MissReport& report);

/// The `misses` section of summary.json.
[[nodiscard]] nlohmann::ordered_json miss_json(const MissReport& report);

/// A row for each line: cause, where, requests, tokens, share of the missed ones, times.
/// Throws std::runtime_error if the file cannot be written.
void write_miss_csv(const std::filesystem::path& path, const MissReport& report);

/// What is to be said of a run that was stopped early; nothing if it was not.
[[nodiscard]] std::string partial_note(bool complete);

/// For people: a table, and a line of advice for each of its rows.
[[nodiscard]] std::string miss_text(const MissReport& report, const std::string& scenario,
                                    bool complete);

}  // namespace terrace
