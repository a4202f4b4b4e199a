#pragma once

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "sim/base/function_ref.hpp"
#include "sim/base/units.hpp"
#include "sim/report/output_file.hpp"

namespace terrace {

/// A field as RFC 4180 has it: in quotes if it contains a comma, a quote or the end of a line.
[[nodiscard]] std::string csv_quoted(std::string_view field);

/// A table in a file: cells from left to right, then end_row(). Numbers do not depend on the
/// locale.
class CsvFile {
 public:
  explicit CsvFile(const std::filesystem::path& path) : file_(path) {}

  void text(std::string_view field) { quoted(csv_quoted(field)); }
  /// `field` has been through csv_quoted, or does not need it.
  void quoted(std::string_view field) {
    separate();
    file_.buffer().append(field.data(), field.data() + field.size());
  }
  void number(std::int64_t value) {
    separate();
    const fmt::format_int digits(value);
    file_.buffer().append(digits.data(), digits.data() + digits.size());
  }
  /// The shortest text that reads back to the same number.
  void number(double value) {
    separate();
    fmt::format_to(std::back_inserter(file_.buffer()), "{}", value);
  }
  /// Exact, without trailing zeros.
  void seconds(Duration value) { decimal(value.count(), 12); }
  void milliseconds(Duration value) { decimal(value.count(), 9); }
  void nothing() { separate(); }

  void end_row() {
    file_.buffer().push_back('\n');
    first_ = true;
    file_.flush_if_large();
  }
  void close() { file_.close(); }

 private:
  void separate() {
    if (!first_) file_.buffer().push_back(',');
    first_ = false;
  }
  /// value / 10^digits
  void decimal(std::int64_t value, int digits);

  OutputFile file_;
  bool first_ = true;
};

/// Writes a table beside its place and moves it there when it is whole.
void replace_csv(const std::filesystem::path& path, FunctionRef<void(CsvFile&)> fill);

}  // namespace terrace
