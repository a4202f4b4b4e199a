#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/workload/trace_input.hpp"

namespace terrace {

/// Reads the current line of a trace as one JSON value, front to back, without building a tree:
/// ten times as fast as one, and every mistake is reported at its column.
///
/// Each call takes the next value and throws ConfigError if it is not what was asked for; `what`
/// names it in the message.
class TraceJson {
 public:
  explicit TraceJson(const TraceLines& lines) : lines_(lines), rest_(lines.line()) {}

  /// An object: `member` is called after each key and has to take its value.
  void object(std::string_view what, FunctionRef<void(std::string_view key)> member);

  /// A list: `item` is called before each value and has to take it.
  void list(std::string_view what, FunctionRef<void()> item);

  /// A whole number in [low, high].
  std::uint64_t whole(std::string_view what, std::uint64_t low, std::uint64_t high);

  /// Any number, as written.
  std::string_view number(std::string_view what);

  /// A string; valid until the next string with an escape in it.
  std::string_view text(std::string_view what);

  /// true or false.
  bool truth(std::string_view what);

  /// Any value, which is checked and forgotten.
  void skip();

  /// Nothing more may follow.
  void end();

  /// What is left of the line, its next value first.
  [[nodiscard]] std::string_view ahead();

 private:
  static constexpr int kDeepest = 64;  // lists and objects in each other, so that skip() is bounded

  void skip(int depth);
  void blanks();
  bool take(char wanted);
  void separator(char close, std::string_view what);
  std::string_view string_token(std::string_view what);
  std::string_view number_token();
  void unescape(std::string_view token);
  [[noreturn]] void wrong_type(std::string_view what, std::string_view wanted);

  const TraceLines& lines_;
  std::string_view rest_;
  std::string unescaped_;
};

/// Which of the keys that a format knows one object has had so far.
class TraceKeys {
 public:
  /// REQUIRES: at most 32 known keys, which outlive this.
  TraceKeys(const TraceLines& lines, std::span<const std::string_view> known)
      : lines_(lines), known_(known) {}

  /// Index of `key`, or known.size() if it is another. Throws ConfigError if it was seen before,
  /// at `ahead`, where its value begins.
  std::size_t see(std::string_view key, std::string_view ahead);

  [[nodiscard]] bool has(std::size_t i) const { return (seen_ >> i & 1U) != 0; }

  /// Throws ConfigError unless key i was seen.
  void require(std::size_t i) const;

  [[noreturn]] void fail_unknown(std::string_view key, std::string_view ahead) const;

 private:
  const TraceLines& lines_;
  std::span<const std::string_view> known_;
  unsigned seen_ = 0;
};

/// The keys of the object that the current line is.
std::vector<std::string> json_keys(const TraceLines& lines);

}  // namespace terrace
