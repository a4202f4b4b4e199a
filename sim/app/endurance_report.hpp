#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/study/endurance/endurance.hpp"

namespace terrace::app {

/// A way to write to the drives of a run, and what came of it.
struct WrittenRun {
  std::string name;   // "as it ran", "through", "second_touch"
  std::string write;  // the rules of its tiers on NVMe
  std::string admission;
  std::optional<double> hit_ratio;     // of prompt tokens, in any tier
  std::optional<double> mean_ttft_ms;  // nothing if no request was completed
  Bytes written;
  Bandwidth rate;
  Years life;  // of the run's drives
};

/// All that `terrace endurance` has to say.
struct EnduranceReport {
  std::vector<std::string> about;  // where the writes come from, lines for people
  EnduranceQuestion question;
  std::vector<DriveFate> fates;
  bool every_capacity = false;      // of each drive is shown; else the one that costs least
  std::size_t too_small = 0;        // offers that cannot hold what has to be held
  std::vector<WrittenRun> written;  // the run first; empty without one
  bool complete = true;             // the run
};

std::string endurance_text(const EnduranceReport& report);
std::string endurance_json(const EnduranceReport& report);

/// The formulas, with the numbers of the first drive.
std::string endurance_formulas(const EnduranceReport& report, const DriveOffer& first);

/// A row for each drive.
void write_endurance_csv(const EnduranceReport& report, const std::filesystem::path& path);

}  // namespace terrace::app
