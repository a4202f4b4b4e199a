#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/labs/transformer.hpp"
#include "calibrate/loop/comparison.hpp"
#include "calibrate/loop/move_laws.hpp"
#include "calibrate/loop/step_grid.hpp"
#include "calibrate/loop/workloads.hpp"

namespace terrace::calibrate {

/// How much is measured and served.
enum class LoopExtent : std::uint8_t {
  full,
  quick,  // half of the workloads, and fewer measurements
  trial   // each thing once, and one workload of each half: to see that all of it works
};

struct LoopOptions {
  LoopExtent extent = LoopExtent::full;
  std::filesystem::path disk = ".";  // where the file lies
  int threads = 1;
  std::uint64_t seed = 1;
};

/// What was learned of the machine, before anything was served.
struct LoopCalibration {
  StepGrid steps;
  MeasuredMoves moves;
  HardwareSpec machine;
  Duration took{};
};

struct LoopResult {
  std::string processor;
  labs::Shape shape;
  LoopOptions options;
  int runs = 1;  // of each workload
  LoopCalibration calibration;
  std::vector<ComparedWorkload> workloads;
  std::vector<std::string> caveats;
};

/// Is told what is being done and which part of it is, and may throw to stop it all.
using LoopProgress = std::function<void(std::string_view, double)>;

/// Calibrates this machine, serves workloads on it for real, simulates them with what was just
/// learned, and compares. Nothing is learned from the workloads. `progress` is asked between any
/// two steps, moves and runs. Throws std::runtime_error if the disk does not do.
LoopResult close_loop(const LoopOptions& options, const LoopProgress& progress);

}  // namespace terrace::calibrate
