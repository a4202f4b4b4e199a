#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/study/load/slo.hpp"
#include "sim/study/load/trial.hpp"

namespace terrace {

/// Something of a scenario that has a number.
struct Knob {
  std::string name;                          // "load", "tiers[0].capacity"
  std::function<std::string(double)> text;   // a number as people write it, "16 GiB"
  std::function<Scenario(double)> scenario;  // turned so far; may throw; for any thread
  std::function<double(double)> rounded;     // a number near it that is easier to read
  bool whole = false;                        // other numbers make no sense
};

/// One turn of the knob, and what came of it.
struct CliffPoint {
  double value = 0;
  std::string text;            // of it
  std::optional<Trial> trial;  // none: it cannot start
  std::string why_not;         // it cannot start

  /// More than one request in a hundred was rejected.
  [[nodiscard]] bool rejects() const;
  [[nodiscard]] bool holds() const;
};

/// Between two neighbours, one of which holds.
struct Break {
  std::size_t good = 0;  // into Cliff::points
  std::size_t bad = 0;
};

struct Cliff {
  std::vector<CliffPoint> points;  // by value
  std::vector<Break> breaks;       // by value
};

struct CliffOptions {
  double precision = 0.02;    // a break is narrowed down to this part of its value,
  std::size_t halvings = 20;  // in so many steps at most
  std::size_t jobs = 1;
  std::function<bool(std::size_t runs, std::size_t breaks)> proceed;  // asked now and then
};

/// Tries every value, then halves the gap between neighbours of which one holds and one does not,
/// by their ratio if both are positive. A scenario holds if it can start, rejects hardly anything,
/// meets all bounds after its warm-up, and its queue does not grow; that it cannot start is an
/// answer, not an error. Nothing if `proceed` said no. Throws like attempt() for anything else.
/// REQUIRES: `values` are sorted, and each is there once.
std::optional<Cliff> find_cliff(const Knob& knob, std::span<const double> values,
                                std::span<const SloBound> bounds, const CliffOptions& options);

}  // namespace terrace
