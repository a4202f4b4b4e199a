#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/points_file.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::calibrate {

/// What a run has measured so far.
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct Progressed {
  nlohmann::ordered_json header;  // what the run is: two with the same can continue each other
  std::vector<SentinelReading> sentinels;
  std::vector<MeasuredPoint> points;
  std::vector<KernelFinding> findings{};  // before the points

  /// Seconds of run that are behind it.
  [[nodiscard]] double seconds() const;
};

/// The same in a file, kept up line by line, so that a run that ends early, however that happens,
/// loses no more than the point it was at.
class Journal {
 public:
  /// What is there, without a last line that is not whole; nothing if there is no such file or it
  /// is none of ours.
  static std::optional<Progressed> read(const std::filesystem::path& path);

  /// Begins with what there is already, in place of what the file held. Throws std::runtime_error
  /// if it cannot be written; so does add().
  Journal(std::filesystem::path path, const Progressed& before);

  void add(const MeasuredPoint& point);
  void add(const SentinelReading& reading);
  void add(const KernelFinding& finding);

  /// All is kept elsewhere.
  void remove();

 private:
  void line(const nlohmann::ordered_json& json);

  std::filesystem::path path_;
  std::optional<OutputFile> file_;
};

}  // namespace terrace::calibrate
