#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/report/csv.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

/// requests.csv: one row for every request, when it leaves. Times are exact. Fields that a request
/// does not have are empty: every time of a rejected one, the tpot of one with a single token.
class RequestCsv final : public Observer {
 public:
  /// Throws std::runtime_error if the file cannot be written, as do all that follow.
  explicit RequestCsv(const std::filesystem::path& path);

  void on_start(const RunView& view) override;
  /// About 250 ns.
  void on_left(const Request& request, SimTime now) override;

  /// Nothing is sure to be on disk before this has returned.
  void close() { file_.close(); }

 private:
  CsvFile file_;
  std::vector<std::string> clients_;  // quoted if need be
};

}  // namespace terrace
