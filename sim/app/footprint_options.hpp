#pragma once

#include <cstdint>
#include <vector>

#include "sim/app/arguments.hpp"
#include "sim/study/footprint/footprint.hpp"

namespace terrace::app {

/// What `terrace footprint` is asked.
struct FootprintWishes {
  FootprintQuestion question;
  std::vector<std::int64_t> batches;
};

/// Reads the options and the files that they name. Throws UsageError, config::ConfigError.
FootprintWishes footprint_wishes(const Arguments& arguments);

}  // namespace terrace::app
