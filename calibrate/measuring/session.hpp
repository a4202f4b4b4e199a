#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/measuring/device.hpp"
#include "calibrate/measuring/machine_lock.hpp"
#include "calibrate/measuring/points_file.hpp"
#include "calibrate/measuring/run.hpp"

namespace terrace::calibrate {

/// What a user asks to be measured.
struct MeasuringOptions {
  std::string device = "cpu";
  std::optional<std::filesystem::path> disk;  // a directory to write a file in
  std::optional<Bytes> disk_bytes;            // of that file, if not as usual
  bool quick = false;
  std::vector<const Family*> families = calibrate::families();
  int threads = 0;         // 0: as many as there are cores to use
  std::uint64_t seed = 1;  // of the order and of the numbers
};

/// A measuring of this machine, from what is asked to a file of points.
class Session {
 public:
  /// Opens the device, looks at the machine and plans. `journal` may be of an earlier run with the
  /// same options on the same machine by the same build: then this one goes on with it. Throws
  /// UsageError about options, std::runtime_error about the machine, or if the journal is of
  /// another run, and says in what it differs.
  Session(MeasuringOptions options, std::filesystem::path journal);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const std::vector<Planned>& plan() const { return plan_; }
  /// Of the plan, measured earlier.
  [[nodiscard]] std::size_t done() const { return so_far_.points.size(); }
  [[nodiscard]] const Extent& extent() const { return extent_; }

  /// Measures, for as long as `stop` does not say so; then what is done stays in the journal, and
  /// nothing is returned. `progress` is told before each point.
  std::optional<MeasuredRun> measure(const std::function<bool()>& stop,
                                     const std::function<void(const RunProgress&)>& progress);

  /// To be called when what measure() returned is kept.
  void forget();

 private:
  void look_around();
  void choose_extent();
  [[nodiscard]] MeasuredRun finished();

  MeasuringOptions options_;
  std::filesystem::path journal_path_;
  std::optional<MachineLock> lock_;
  Device device_;
  std::optional<Operands> operands_;
  nlohmann::ordered_json host_;
  Extent extent_;
  std::vector<Planned> plan_;
  Progressed so_far_;
  std::optional<Journal> journal_;
};

}  // namespace terrace::calibrate
