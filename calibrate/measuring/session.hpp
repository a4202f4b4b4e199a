#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/disk/test_file.hpp"
#include "calibrate/measuring/device.hpp"
#include "calibrate/measuring/gpu_surroundings.hpp"
#include "calibrate/measuring/machine_lock.hpp"
#include "calibrate/measuring/points_file.hpp"
#include "calibrate/measuring/run.hpp"

namespace terrace::calibrate {

/// What a user asks to be measured.
struct MeasuringOptions {
  std::string device = "cpu";
  std::optional<std::filesystem::path> disk;  // a directory to write a file in
  bool quick = false;
  std::vector<const Family*> families = calibrate::families();
  int threads = 1;         // of the processor
  std::uint64_t seed = 1;  // of the order and of the numbers
  bool plan_only = false;  // another calibration may be under way then
  // Takes the place of an earlier run's journal, once there is a point of this one, or a kernel
  // that is wrong.
  bool fresh = false;
};

/// The size of the file that is measured on a disk with that much room: 8 GiB, or 2 GiB of a quick
/// calibration, but so that a tenth of the disk stays free. Throws std::runtime_error if that would
/// be too small to tell anything.
Bytes test_file_size(Bytes capacity, Bytes available, bool quick);

/// A measuring of this machine, from what is asked to a file of points.
class Session {
 public:
  /// Opens the device, looks at the machine and plans. `journal` may be of an earlier run with the
  /// same options on the same machine by the same build: then this one goes on with it. Throws
  /// UsageError about options, std::runtime_error about the machine, or if the journal is of
  /// another run, and says in what it differs; ConfigError if what it says cannot be believed.
  Session(MeasuringOptions options, std::filesystem::path journal);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const std::vector<Planned>& plan() const { return plan_; }
  /// Of the plan, measured earlier.
  [[nodiscard]] std::size_t done() const { return so_far_.points.size(); }
  [[nodiscard]] const Extent& extent() const { return extent_; }
  /// Whether the plan is that of a usual GPU, as another calibration has this one.
  [[nodiscard]] bool plan_is_usual() const { return plan_is_usual_; }
  /// What machines have that have room and time for everything, and this one does not.
  [[nodiscard]] LeftOut left_out() const { return calibrate::left_out(options_.families, extent_); }
  /// What cannot be known of a GPU here, and why, a line each.
  [[nodiscard]] std::vector<std::string> lost() const;
  /// What is written to the disk before its first point.
  [[nodiscard]] Bytes disk_file() const;

  /// Measures, for as long as `stop` does not say so; then what is done stays in the journal, and
  /// nothing is returned. `progress` is told before each point.
  std::optional<MeasuredRun> measure(const std::function<bool()>& stop,
                                     const std::function<void(const RunProgress&)>& progress);

  /// What of a run that ended early is kept, and how to go on.
  [[nodiscard]] std::string kept() const;

  /// To be called when what measure() returned is kept.
  void forget();

 private:
  void look_around();
  void choose_extent();
  Pace pace();
  bool go_on(const nlohmann::ordered_json& tool);
  std::unique_ptr<TestFile> disk_to_measure(
      const std::function<bool()>& stop, const std::function<void(const RunProgress&)>& progress);
  [[nodiscard]] MeasuredRun finished();

  MeasuringOptions options_;
  std::filesystem::path journal_path_;
  std::optional<MachineLock> lock_;
  Device device_;
  std::optional<GpuSurroundings> gpu_;
  std::optional<Operands> operands_;
  nlohmann::ordered_json host_;
  Extent extent_;
  bool plan_is_usual_ = false;
  std::vector<Planned> plan_;
  Progressed so_far_;
  bool goes_on_ = false;         // with what the journal had
  std::vector<int> kept_lines_;  // of the journal, where its points are
  std::optional<Journal> journal_;
};

}  // namespace terrace::calibrate
