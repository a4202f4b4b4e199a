#include "sim/workload/trace_input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/scalar.hpp"

namespace terrace {
namespace {

constexpr std::size_t kFirstBuffer = std::size_t{64} << 10U;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

unsigned char byte(char c) { return static_cast<unsigned char>(c); }

std::string without_controls(std::string text) {
  for (char& c : text) {
    if (byte(c) < 0x20 || byte(c) == 0x7f) c = ' ';
  }
  return text;
}

/// One column per byte, so that a caret below points at the right one.
std::string printable(std::string_view text) {
  std::string out = without_controls(std::string(text));
  for (char& c : out) {
    if (byte(c) >= 0x80) c = '?';
  }
  return out;
}

/// Length of the UTF-8 character that `text` begins with, 0 if it begins with none.
std::size_t utf8_length(std::string_view text) {
  const unsigned char lead = byte(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(text[i]) & 0xC0U) != 0x80) return 0;
  }
  const unsigned char second = byte(text[1]);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second >= 0xA0;
  const bool beyond = lead == 0xF4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

std::optional<std::size_t> first_not_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

[[noreturn]] void unreadable(const std::string& path, const std::string& why) {
  throw config::ConfigError(
      fmt::format("{}: error: cannot read this trace: {}\n", without_controls(path), why));
}

}  // namespace

TraceInput trace_file(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    unreadable(path, "no such file");
  }
  if (error) unreadable(path, error.message());
  if (std::filesystem::is_directory(status)) unreadable(path, "it is a directory");

  auto open = [path]() -> std::unique_ptr<std::istream> {
    errno = 0;
    auto in = std::make_unique<std::ifstream>(path, std::ios::binary);
    if (!*in) unreadable(path, errno != 0 ? std::strerror(errno) : "cannot be opened");
    return in;
  };
  return {path, open, !std::filesystem::is_regular_file(status)};
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  const bool whole = text.size() <= kLongest;
  return fmt::format("'{}{}'", printable(text.substr(0, kLongest)), whole ? "" : "...");
}

std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongest = 100;  // comparing takes the product of the lengths
  std::vector<std::string_view> names;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() <= kLongest) names.push_back(candidate);
  }
  return name.size() <= kLongest ? closest(name, names) : std::nullopt;
}

TraceLines::TraceLines(const TraceInput& input, std::size_t longest_line)
    : name_(without_controls(input.name)),
      longest_line_(longest_line),
      in_(input.open()),
      buffer_(std::min(kFirstBuffer, longest_line + 2)) {}

bool TraceLines::advance() {
  if (std::exchange(again_, false)) return true;
  while (next_line()) {
    if (line_.find_first_not_of(" \t") == std::string_view::npos) continue;
    check_bytes();
    return true;
  }
  return false;
}

bool TraceLines::next_line() {
  std::size_t searched = begin_;
  for (;;) {
    const void* found = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
    if (found == nullptr && !at_end_) {
      const std::size_t waiting = end_ - begin_;
      fill();
      searched = begin_ + waiting;
      continue;
    }
    if (found == nullptr && begin_ == end_) return false;

    const char* start = buffer_.data() + begin_;
    const char* stop = found == nullptr ? buffer_.data() + end_ : static_cast<const char*>(found);
    line_ = {start, static_cast<std::size_t>(stop - start)};
    if (line_.size() > longest_line_) fail_too_long();
    begin_ += line_.size() + (found == nullptr ? 0 : 1);
    ++number_;
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    if (number_ == 1 && line_.starts_with(kByteOrderMark)) {
      line_.remove_prefix(kByteOrderMark.size());
    }
    return true;
  }
}

/// Makes room behind what is waiting and reads into it.
void TraceLines::fill() {
  const std::size_t waiting = end_ - begin_;
  std::memmove(buffer_.data(), buffer_.data() + begin_, waiting);
  begin_ = 0;
  end_ = waiting;
  if (end_ == buffer_.size()) {
    if (end_ > longest_line_) fail_too_long();
    buffer_.resize(std::min(2 * buffer_.size(), longest_line_ + 2));
  }
  errno = 0;
  in_->read(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
  if (in_->bad()) unreadable(name_, errno != 0 ? std::strerror(errno) : "reading failed");
  end_ += static_cast<std::size_t>(in_->gcount());
  at_end_ = in_->eof();
}

void TraceLines::fail_too_long() {
  ++number_;
  line_ = {};
  const Bytes longest{static_cast<std::int64_t>(longest_line_)};
  fail(line_, "this line is longer than " + config::Scalar<Bytes>::format(longest),
       "is this a trace, one request per line?");
}

void TraceLines::check_bytes() const {
  if (number_ == 1 && line_.starts_with("\x1f\x8b")) {
    fail_file("this trace is compressed", "unpack it first");
  }
  if (number_ == 1 && line_.starts_with("version https://git-lfs")) {
    fail_file("this is a pointer of Git LFS, not the trace", "'git lfs pull' brings the file");
  }
  unsigned char all = 0;
  for (const char c : line_) all = static_cast<unsigned char>(all | byte(c));
  if (const auto nul = line_.find('\0'); nul != std::string_view::npos) {
    fail(line_.substr(nul, 1), "a NUL byte: this is not text", "is it UTF-16, or compressed?");
  }
  if (all < 0x80) return;
  if (const auto at = first_not_utf8(line_)) {
    fail(line_.substr(*at, 1), "this byte is not UTF-8");
  }
}

/// 0 for what is not a piece of the line, such as a field that was taken out of its quotes.
std::size_t TraceLines::offset_in_line(std::string_view part) const {
  const std::less_equal<> not_after;
  const bool inside = part.data() != nullptr && not_after(line_.data(), part.data()) &&
                      not_after(part.data() + part.size(), line_.data() + line_.size());
  return inside ? static_cast<std::size_t>(part.data() - line_.data()) : 0;
}

void TraceLines::fail(std::string_view part, const std::string& message,
                      const std::string& hint) const {
  constexpr std::size_t kBefore = 40;  // of a long line, a window around the place is shown
  constexpr std::size_t kShown = 90;
  const std::size_t at = offset_in_line(part);
  const std::size_t from = at > kBefore ? at - kBefore : 0;
  const std::string shown = printable(line_.substr(std::min(from, line_.size()), kShown));
  const std::size_t indent = at - from;
  const std::size_t width =
      std::clamp<std::size_t>(part.size(), 1, std::max<std::size_t>(shown.size() - indent, 1));
  std::string text = fmt::format("{}:{}:{}: error: {}\n", name_, number_, at + 1, message);
  if (!shown.empty()) {
    text +=
        fmt::format("{:5} | {}\n      | {:{}}^{:~<{}}", number_, shown, "", indent, "", width - 1);
    text += hint.empty() ? "\n" : " " + hint + "\n";
  } else if (!hint.empty()) {
    text.insert(text.size() - 1, "; " + hint);
  }
  throw config::ConfigError(text);
}

void TraceLines::fail_file(const std::string& message, const std::string& hint) const {
  throw config::ConfigError(
      fmt::format("{}: error: {}{}{}\n", name_, message, hint.empty() ? "" : "; ", hint));
}

}  // namespace terrace
