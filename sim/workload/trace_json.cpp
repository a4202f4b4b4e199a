#include "sim/workload/trace_json.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace terrace {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Four hexadecimal digits, or -1.
int hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  int value = 0;
  for (const char c : text.substr(0, 4)) {
    if (hex_value(c) < 0) return -1;
    value = value * 16 + hex_value(c);
  }
  return value;
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&out](unsigned b) { out += static_cast<char>(static_cast<unsigned char>(b)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0U | code >> 6U);
  } else {
    if (code < 0x10000) {
      put(0xE0U | code >> 12U);
    } else {
      put(0xF0U | code >> 18U);
      put(0x80U | (code >> 12U & 0x3FU));
    }
    put(0x80U | (code >> 6U & 0x3FU));
  }
  put(0x80U | (code & 0x3FU));
}

/// The number at the beginning of `text`, of the form that JSON allows.
std::size_t number_length(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t before = at;
    while (at < text.size() && digit(text[at])) ++at;
    return at - before;
  };
  if (at < text.size() && text[at] == '0') {
    ++at;
  } else if (digits() == 0) {
    return 0;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return 0;
  }
  return at;
}

}  // namespace

void TraceJson::blanks() {
  while (!rest_.empty() &&
         (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\r')) {
    rest_.remove_prefix(1);
  }
}

bool TraceJson::take(char wanted) {
  blanks();
  if (!rest_.starts_with(wanted)) return false;
  rest_.remove_prefix(1);
  return true;
}

std::string_view TraceJson::ahead() {
  blanks();
  return rest_;
}

void TraceJson::wrong_type(std::string_view what, std::string_view wanted) {
  blanks();
  lines_.fail(rest_.substr(0, 1), fmt::format("{} must be {}", what, wanted));
}

/// Takes the comma between two members or items.
void TraceJson::separator(char close, std::string_view what) {
  if (take(',')) return;
  lines_.fail(rest_.substr(0, 1), fmt::format("expected ',' or '{}' in {}", close, what),
              rest_.empty() ? "the line ends too early" : "");
}

void TraceJson::object(std::string_view what, FunctionRef<void(std::string_view)> member) {
  if (!take('{')) wrong_type(what, "an object");
  for (bool first = true; !take('}'); first = false) {
    if (!first) separator('}', what);
    const std::string_view key = text("a key");
    if (!take(':')) lines_.fail(rest_.substr(0, 1), "expected ':' after a key");
    member(key);
  }
}

void TraceJson::list(std::string_view what, FunctionRef<void()> item) {
  if (!take('[')) wrong_type(what, "a list");
  for (bool first = true; !take(']'); first = false) {
    if (!first) separator(']', what);
    item();
  }
}

bool TraceJson::truth(std::string_view what) {
  const std::string_view value = ahead();
  for (const std::string_view word : {"true", "false"}) {
    if (!value.starts_with(word)) continue;
    rest_.remove_prefix(word.size());
    return word == "true";
  }
  wrong_type(what, "true or false");
}

std::string_view TraceJson::number_token() {
  blanks();
  const std::string_view token = rest_.substr(0, number_length(rest_));
  rest_.remove_prefix(token.size());
  return token;
}

std::string_view TraceJson::number(std::string_view what) {
  const std::string_view token = number_token();
  if (token.empty()) wrong_type(what, "a number");
  return token;
}

std::uint64_t TraceJson::whole(std::string_view what, std::uint64_t low, std::uint64_t high) {
  const std::string_view token = number(what);
  if (token.starts_with('-')) lines_.fail(token, fmt::format("{} is negative", what));
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (stop != token.data() + token.size()) {
    lines_.fail(token, fmt::format("{} must be a whole number", what));
  }
  if (error != std::errc{} || value > high) {
    lines_.fail(token, fmt::format("{} is too large: at most {}", what, high));
  }
  if (value < low) lines_.fail(token, fmt::format("{} must be at least {}", what, low));
  return value;
}

/// What stands between the quotes, escapes and all.
std::string_view TraceJson::string_token(std::string_view what) {
  if (!take('"')) wrong_type(what, "a string");
  for (std::size_t at = 0; at < rest_.size(); ++at) {
    const char c = rest_[at];
    if (c == '"') {
      const std::string_view token = rest_.substr(0, at);
      rest_.remove_prefix(at + 1);
      return token;
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      lines_.fail(rest_.substr(at, 1), "a control character in a string has to be escaped");
    }
    if (c == '\\') ++at;
  }
  lines_.fail(rest_.substr(rest_.size()), "this string is not closed");
}

std::string_view TraceJson::text(std::string_view what) {
  const std::string_view token = string_token(what);
  if (token.find('\\') == std::string_view::npos) return token;
  unescape(token);
  return unescaped_;
}

void TraceJson::unescape(std::string_view token) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  unescaped_.clear();
  for (std::size_t at = 0; at < token.size(); ++at) {
    if (token[at] != '\\') {
      unescaped_ += token[at];
      continue;
    }
    const std::string_view escape = token.substr(at);
    if (const auto plain = kEscapes.find(escape[1]); plain != std::string_view::npos) {
      unescaped_ += kMeanings[plain];
      ++at;
      continue;
    }
    int code = escape[1] == 'u' ? hex4(escape.substr(2)) : -1;
    at += 5;
    if (code >= 0xD800 && code < 0xDC00) {  // the first half of a pair
      const bool pair = escape.size() >= 12 && escape[6] == '\\' && escape[7] == 'u';
      const int low = pair ? hex4(escape.substr(8)) : -1;
      code = low >= 0xDC00 && low < 0xE000 ? 0x10000 + (code - 0xD800) * 1024 + (low - 0xDC00) : -1;
      at += 6;
    } else if (code >= 0xDC00 && code < 0xE000) {
      code = -1;
    }
    if (code < 0) lines_.fail(escape.substr(0, 2), "this escape is not one of JSON");
    append_utf8(unescaped_, static_cast<unsigned>(code));
  }
}

void TraceJson::skip() { skip(0); }

void TraceJson::skip(int depth) {
  const std::string_view value = ahead();
  if (depth > kDeepest) lines_.fail(value.substr(0, 1), "nested too deeply");
  if (value.starts_with('{')) {
    object("this object", [&](std::string_view) { skip(depth + 1); });
  } else if (value.starts_with('[')) {
    list("this list", [&] { skip(depth + 1); });
  } else if (value.starts_with('"')) {
    text("this value");
  } else if (number_token().empty()) {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!value.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return;
    }
    lines_.fail(value.substr(0, 1), "expected a JSON value",
                value.empty() ? "the line ends too early" : "");
  }
}

void TraceJson::end() {
  if (!ahead().empty()) lines_.fail(rest_.substr(0, 1), "one line holds one request only");
}

std::size_t TraceKeys::see(std::string_view key, std::string_view ahead) {
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i] != key) continue;
    if (has(i)) lines_.fail(ahead.substr(0, 1), fmt::format("the key '{}' stands twice", key));
    seen_ |= 1U << i;
    return i;
  }
  return known_.size();
}

void TraceKeys::require(std::size_t i) const {
  if (has(i)) return;
  const std::vector<std::string> present = json_keys(lines_);
  const std::vector<std::string_view> views(present.begin(), present.end());
  const auto near = nearest_name(known_[i], views);
  lines_.fail(lines_.line().substr(0, 1), fmt::format("the key '{}' is missing", known_[i]),
              near ? fmt::format("is {} meant to be it?", quoted(*near)) : "");
}

void TraceKeys::fail_unknown(std::string_view key, std::string_view ahead) const {
  const auto near = nearest_name(key, known_);
  lines_.fail(ahead.substr(0, 1), fmt::format("unknown key {}", quoted(key)),
              near ? fmt::format("did you mean '{}'?", *near) : "");
}

std::vector<std::string> json_keys(const TraceLines& lines) {
  std::vector<std::string> keys;
  TraceJson json(lines);
  json.object("a request", [&](std::string_view key) {
    keys.emplace_back(key);
    json.skip();
  });
  return keys;
}

}  // namespace terrace
