#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/labs/engine.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

/// What is measured of a run, and predicted.
enum class Quantity : std::uint8_t {
  prompt_step,   // mean time of a step with prompt tokens, loads left out
  decode_step,   // of a step that only decodes
  ttft,          // mean over requests
  tpot,          // likewise
  memory_load,   // mean time of a load from memory
  file_load,     // likewise from the file
  memory_moved,  // bytes, both ways
  file_moved,    // likewise
  peak_blocks    // of the pool, held at once
};

struct QuantityInfo {
  std::string_view name;
  std::string_view summary;
  bool is_time = true;     // in seconds; else bytes or blocks
  bool is_judged = false;  // step and load times, which the bounds are for
};
constexpr std::array<QuantityInfo, 9> kQuantities{{
    {"prompt_step", "step with prompts", true, true},
    {"decode_step", "step of decodes", true, true},
    {"ttft", "TTFT", true, false},
    {"tpot", "TPOT", true, false},
    {"memory_load", "load from memory", true, true},
    {"file_load", "load from file", true, true},
    {"memory_moved", "memory moved", false, false},
    {"file_moved", "file moved", false, false},
    {"peak_blocks", "peak KV blocks", false, false},
}};

/// By Quantity; nothing where nothing of the kind happened.
using Quantities = std::array<std::optional<double>, kQuantities.size()>;

Quantities quantities_of(const labs::Served& served, Bytes block);

/// A quantity of a workload, measured several times, and predicted; 0 where nothing of the kind
/// happened.
struct ComparedQuantity {
  std::size_t quantity = 0;
  double measured = 0;  // median of the runs
  double spread = 0;    // (longest - shortest) / median of the runs
  double predicted = 0;

  [[nodiscard]] bool on_both_sides() const { return measured > 0 && predicted > 0; }
  /// Relative to what was measured; -1 if only that happened, 1 if it was only predicted.
  [[nodiscard]] double error() const { return measured > 0 ? predicted / measured - 1 : 1; }
};

struct ComparedWorkload {
  std::string name;
  std::string what;
  bool evicts = false;
  bool disturbed = false;  // the machine was slower or faster than when it was calibrated
  double drift = 0;        // of a step that is always the same, from when it was calibrated
  std::vector<ComparedQuantity> quantities;
};

/// Those that happened in most runs or in the prediction. REQUIRES: a run.
std::vector<ComparedQuantity> compare(const std::vector<Quantities>& runs,
                                      const Quantities& predicted);

/// Relative errors over workloads: none, and no figure means anything, if `count` is 0.
struct ErrorSummary {
  std::string name;
  std::size_t count = 0;
  double median = 0;  // of the absolute error, as are
  double p90 = 0;
  double most = 0;
  double bias = 0;    // mean of the error
  double spread = 0;  // median of the runs' own: no prediction can be better
};

/// Of each quantity; then "steps", "loads", and "steps and loads".
std::vector<ErrorSummary> summarise(const std::vector<ComparedWorkload>& workloads);

}  // namespace terrace::calibrate
