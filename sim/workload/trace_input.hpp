#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace terrace {

/// The bytes of a trace, to be read from the beginning as often as open() is called.
struct TraceInput {
  std::string name;                                     // what error messages call it
  std::function<std::unique_ptr<std::istream>()> open;  // throws ConfigError
  bool once = false;                                    // a pipe: open() works only once
};

/// A file, or a pipe such as <(zcat trace.gz). Throws ConfigError if there is none to read.
TraceInput trace_file(const std::string& path);

/// For messages: in quotes, shortened, and harmless to a terminal.
std::string quoted(std::string_view text);

/// The candidate that `name` was most plausibly meant to be. Candidates may be of any length.
std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates);

/// Reads a trace line by line in the memory of its longest line.
///
/// Lines may end in LF or CRLF, the last one need not end; a byte order mark and blank lines are
/// skipped. Lines are UTF-8 without NUL: anything else is an error, as is a line beyond 64 MiB.
class TraceLines {
 public:
  static constexpr std::size_t kLongestLine = std::size_t{64} << 20U;

  explicit TraceLines(const TraceInput& input, std::size_t longest_line = kLongestLine);

  /// Moves to the next line that is not blank, or returns false at the end.
  bool advance();

  /// Makes the next advance() return the current line once more. REQUIRES: advance() was true.
  void again() { again_ = true; }

  /// The current line without its end; valid until advance(). REQUIRES: advance() was true.
  [[nodiscard]] std::string_view line() const { return line_; }

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Bytes of memory held.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }

  /// Throws ConfigError that points at `part`, a piece of line().
  [[noreturn]] void fail(std::string_view part, const std::string& message,
                         const std::string& hint = {}) const;

  /// Throws ConfigError about the whole file.
  [[noreturn]] void fail_file(const std::string& message, const std::string& hint = {}) const;

 private:
  bool next_line();
  void fill();
  void check_bytes() const;
  [[noreturn]] void fail_too_long();
  [[nodiscard]] std::size_t offset_in_line(std::string_view part) const;

  std::string name_;
  std::size_t longest_line_;
  std::unique_ptr<std::istream> in_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // buffer_[begin_, end_) is read but not yet consumed
  std::size_t end_ = 0;
  bool at_end_ = false;
  bool again_ = false;
  std::string_view line_;
  std::int64_t number_ = 0;
};

}  // namespace terrace
