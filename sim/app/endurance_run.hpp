#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/app/endurance_report.hpp"
#include "sim/config/catalogue.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::app {

/// A finished run that has written to drives.
struct RunWrites {
  std::filesystem::path resolved;  // its scenario
  Scenario scenario;
  std::int64_t hosts = 1;
  Bytes held;  // that each host's drives have to hold
};

/// Reads the run in a directory and tells the report of it. Throws ConfigError if it is none, or
/// has written nothing to drives.
RunWrites read_run(const std::string& path, const config::Catalogue& catalogue,
                   EnduranceReport& report);

/// The rules that --what-if names. Throws UsageError.
std::vector<std::string> rules_of(const std::string& text);

/// Simulates the run again with each of these rules, so many at a time, and tells the report.
/// Whether it was let to. Throws ConfigError for a rule that the run's tiers cannot have.
bool ask_what_if(const std::vector<std::string>& rules, std::size_t jobs, const RunWrites& run,
                 const config::Catalogue& catalogue, EnduranceReport& report);

/// The life of the run's own drives under each way to write.
void tell_lives(const RunWrites& run, EnduranceReport& report);

/// Takes out the offers that cannot hold what a host's drives have to hold. Throws UsageError if
/// none is left.
void drop_too_small(std::vector<DriveOffer>& offers, const RunWrites& run, EnduranceReport& report);

}  // namespace terrace::app
