#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/app/footprint_options.hpp"
#include "sim/study/footprint/footprint.hpp"

namespace terrace::app {

/// The answer to those wishes.
struct FootprintReport {
  FootprintWishes wishes;
  std::vector<FootprintSeries> series;

  [[nodiscard]] const ModelSpec& model(const FootprintSeries& one) const {
    return wishes.question.models[one.model];
  }
};

/// "bf16"
std::string name_of(DType type);

/// What tells a series from the others: "llama-3.1-8b fp8 tp 8", of several types and numbers of
/// GPUs.
std::string label(const FootprintReport& report, const FootprintSeries& series);

std::string footprint_text(const FootprintReport& report);

/// The numbers of the longest context, worked out.
std::string footprint_explained(const FootprintReport& report);

std::string footprint_json(const FootprintReport& report);

/// One row per combination.
void write_footprint_csv(const FootprintReport& report, const std::filesystem::path& path);

/// Bytes of a sequence against its context, a line for each series, and one more, "freed", if what
/// has left a window can be.
std::string footprint_svg(const FootprintReport& report);

}  // namespace terrace::app
