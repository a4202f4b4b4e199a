#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"

namespace terrace {

/// What a report is about: enough to know the run again.
struct ReportHeader {
  struct Line {
    std::string key;
    std::string text;
  };
  std::string scenario;
  std::string model;
  std::int64_t seed = 0;
  std::vector<Line> lines;  // for people: model, hardware, engine, tiers, load, seed
};

[[nodiscard]] ReportHeader make_header(const Scenario& scenario, const Dimensions& dimensions);

/// The header as text: the scenario, then its lines.
[[nodiscard]] std::string header_text(const ReportHeader& header);

}  // namespace terrace
