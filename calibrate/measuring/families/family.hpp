#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/kernel_proof.hpp"
#include "calibrate/measuring/point.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

class Operands;
class TestFile;  // calibrate/disk
class CuFile;    // calibrate/vendor

/// What measurements are made with.
struct Bench {
  kernels::KernelSet& kernels;              // of the device
  bool gpu = false;                         // whether that device is one
  int threads = 1;                          // of the host, at most
  Bytes memory{};                           // that buffers may take on the device
  Bytes cache{};                            // its last cache; what is to be cold must not be in it
  TestFile* disk = nullptr;                 // where the user allows one
  Operands* operands = nullptr;             // of the kernels; there for families of kernels
  kernels::Transfers* transfers = nullptr;  // between the host and a GPU; there if it is one
  CuFile* cu_file = nullptr;                // GPUDirect Storage, where it opens
};

/// One point that is to be measured.
struct Measurement {
  std::string id;
  nlohmann::ordered_json x;
  std::string cache;
  std::string unit;
  double seconds = 0;  // it will take about so long
  Bytes written{};     // to the disk
  bool last = false;   // leaves the machine other than it was: after all others
  std::function<Sample(Bench&)> measure;
  std::vector<TimedKernel> kernels{};  // of the device, that it times: proven before
};

/// What the device does at about, so that no point takes longer than it is worth.
struct Pace {
  Bandwidth memory{};   // read in order, all threads
  FlopRate products{};  // of matrices of bf16
};

/// What a run is to cover.
struct Extent {
  bool quick = false;
  bool gpu = false;
  int capability = 0;  // of the GPU, 90: compute capability 9.0
  int threads = 1;
  Bytes memory{};
  Bytes cache{};
  Bytes disk{};              // that may be written to; zero: no disk
  bool direct_disk = false;  // GPUDirect Storage opens
  Pace pace{};
};

/// How often its points are measured if there is no reason for something else. Processors have
/// other work to do besides, and take more batches to tell what is usual.
Sampling sampling_of(const Extent& extent);

/// The size of pools that cold operands come from: three times the last cache, in memory there is.
/// Where that is below twice the cache, cold is not surely cold.
Bytes cold_pool(const Extent& extent);

/// The same of the host's memory, whatever the device.
Bytes host_pool(const Extent& extent);

/// One family of measurements: its grid, and how a point of it is made.
struct Family {
  std::string_view name;     // "decode_attention", as `calibrate fit` calls it too
  std::string_view summary;  // one line, for --help and --dry-run
  bool needs_gpu = false;
  bool needs_disk = false;
  bool needs_direct_disk = false;  // GPUDirect Storage
  std::vector<Measurement> (*plan)(const Extent& extent) = nullptr;
};

/// All there are, in the order in which --dry-run lists them. Adding one: a .cpp here and a line in
/// families.def.
const std::vector<const Family*>& families();

}  // namespace terrace::calibrate
