#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/base/units.hpp"
#include "sim/workload/spec.hpp"

namespace terrace {

/// The nearest whole picosecond, halves up; saturates at the end of time. REQUIRES: picoseconds >=
/// 0.
Duration nearest_picosecond(double picoseconds);

/// Draws the lengths of texts: whole tokens, at least 1, within the clip. Each draw uses up a copy
/// of the stream it is given, so it depends on nothing but that stream's place.
class LengthSampler {
 public:
  explicit LengthSampler(const LengthSpec& spec);

  [[nodiscard]] Tokens draw(Random random) const;

 private:
  struct Constant {
    std::int64_t value;
  };
  struct Uniform {
    std::int64_t min;
    std::uint64_t count;
  };
  struct Normal {
    double mean;
    double stddev;
  };
  struct ZipfFrom {
    std::int64_t min;
    Zipf offset;
  };
  struct Histogram {
    std::vector<std::int64_t> values;
    Discrete index;
  };
  using Distribution = std::variant<Constant, Uniform, LogNormal, Normal, ZipfFrom, Histogram>;

  static Distribution distribution_of(const LengthSpec& spec);

  Distribution distribution_;
  std::int64_t min_ = 1;
  std::int64_t max_ = kLongestText.count();
};

/// Draws the pauses of users, to the nearest picosecond.
class GapSampler {
 public:
  explicit GapSampler(const GapSpec& spec);

  [[nodiscard]] Duration draw(Random random) const;

 private:
  GapDistribution distribution_;
  Duration mean_;
  LogNormal lognormal_;  // of the gap in picoseconds
};

}  // namespace terrace
