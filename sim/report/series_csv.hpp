#pragma once

#include <filesystem>

#include "sim/base/units.hpp"
#include "sim/metrics/timeseries.hpp"
#include "sim/report/csv.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

/// timeseries.csv: Sampler's samples, a row each; `replica` is a number, or "all".
class SeriesCsv final : public Observer {
 public:
  /// Throws std::runtime_error if the file cannot be written, as do all that follow.
  SeriesCsv(const std::filesystem::path& path, Bytes block_bytes);

  void on_start(const RunView& view) override;
  void on_step(const StepRecord& step) override { sampler_.on_step(step); }
  void on_left(const Request& request, SimTime now) override { sampler_.on_left(request, now); }
  void on_sample(SimTime now) override { sampler_.on_sample(now); }
  void on_end(SimTime now) override { sampler_.on_end(now); }

  /// Nothing is sure to be on disk before this has returned.
  void close() { file_.close(); }

 private:
  void write(const Sample& sample);

  CsvFile file_;
  Sampler sampler_;
};

}  // namespace terrace
