#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/points_file.hpp"
#include "sim/config/diagnostics.hpp"
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

/// What a journal has, and where.
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct KeptProgress {
  Progressed progressed;
  std::vector<int> lines;  // of the points
};

/// The same in a file, kept up line by line, so that a run that ends early, however that happens,
/// loses no more than the point it was at.
class Journal {
 public:
  /// What is there, without a last line that was cut short; nothing if there is no such file, or
  /// nothing in it. Throws ConfigError, with file and line, about anything that cannot have been
  /// measured, or is no journal.
  static std::optional<KeptProgress> read(const std::filesystem::path& path);
  static std::optional<KeptProgress> parse(const std::string& name, std::string_view text);

  /// That a line cannot be believed, and what to do about it.
  static config::ConfigError refused(const std::string& why);

  /// Begins with what there is already, beside the file, and takes its place as soon as there is
  /// something worth keeping: a point, or a kernel that is wrong. Until then the file stays what it
  /// was. Throws std::runtime_error if it cannot be written; so does add().
  Journal(std::filesystem::path path, const Progressed& before);

  void add(const MeasuredPoint& point);
  void add(const SentinelReading& reading);

  [[nodiscard]] bool is_in_place() const { return part_.path.empty(); }

  /// All is kept elsewhere.
  void remove();

 private:
  void line(const nlohmann::ordered_json& json);

  void put_in_place();

  /// What is not worth keeping, gone at the end.
  struct Part {
    explicit Part(std::filesystem::path at) : path(std::move(at)) {}
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part();
    std::filesystem::path path;
  };

  std::filesystem::path path_;
  Part part_;
  std::optional<OutputFile> file_;
};

}  // namespace terrace::calibrate
