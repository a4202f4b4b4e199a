#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/app/mrc_options.hpp"
#include "sim/base/units.hpp"
#include "sim/report/csv.hpp"
#include "sim/study/mrc/mrc.hpp"

namespace terrace::app {

/// Miss-ratio curves and what they are of.
struct MrcReport {
  struct Tier {
    std::string name;
    std::string range;                     // as it was asked for
    std::vector<std::int64_t> capacities;  // in blocks, ascending, all of them among the curves'
  };

  std::string source;  // the trace or scenario
  std::string model;
  std::string kv_dtype;
  StreamOptions stream;
  Bytes bytes_per_block;
  std::vector<std::int64_t> capacities;  // of the curves' points
  std::vector<Tier> tiers;
  std::vector<LeftOut> left_out;  // of all policies
  Mrc mrc;
};

/// For people: a table and, for each policy, a small plot, its knee and what suffices.
std::string mrc_text(const MrcReport& report);

/// For programs: all counts, nothing rounded.
std::string mrc_json(const MrcReport& report);

/// A row per tier, policy and capacity.
void write_mrc_csv(const MrcReport& report, CsvFile& file);

}  // namespace terrace::app
