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
#include "kernels/kernel_set.hpp"

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
  int threads = 1;                   // of the host, for what is not the kernels'
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
  std::string device;  // what multiplies and attends, by its own description
  std::string host;    // what does the rest; empty if that is the same
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
/// learned, and compares. Nothing is learned from the workloads. Products and attention are those
/// of `kernels`, and the pool is in their memory; `is_host` says that they are the processor's.
/// `progress` is asked between any two steps, moves and runs. Throws std::runtime_error if the disk
/// does not do, or there is no memory for the pool.
LoopResult close_loop(const LoopOptions& options, kernels::KernelSet& kernels, bool is_host,
                      const LoopProgress& progress);

}  // namespace terrace::calibrate
