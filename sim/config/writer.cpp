#include "sim/config/writer.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace terrace::config {
namespace {

/// Whether YAML reads the text back as this very text without quotes.
bool plain(std::string_view text) {
  if (text.empty() || text == "null" || text == "Null" || text == "NULL") return false;
  const auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._/+ ").find(c) != std::string_view::npos || c == '-';
  };
  return std::all_of(text.begin(), text.end(), harmless) && text.front() != '-' &&
         text.front() != ' ' && text.back() != ' ';
}

std::string written(const ScalarRef& value) {
  const std::string text = value.format();
  return value.is_text() && !plain(text) ? quoted(text) : text;
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

void Writer::line(std::string_view text) {
  out_.append(2 * depth_ - (dash_ ? 2 : 0), ' ');
  if (dash_) out_ += "- ";
  dash_ = false;
  out_ += text;
  out_ += '\n';
}

void Writer::scalar(std::string_view key, ScalarRef value, const FieldInfo&) {
  if (value.present()) line(fmt::format("{}: {}", key, written(value)));
}

void Writer::as_written(std::string_view key, Node& value, std::string_view, const FieldInfo&) {
  if (value.kind != Node::Kind::null) line(fmt::format("{}: {}", key, flow_text(value)));
}

void Writer::alternatives(std::string_view key, ScalarRef which, const FieldInfo& info,
                          FunctionRef<void()> body) {
  scalar(key, which, info);
  body();
}

void Writer::text_map(std::string_view key, std::map<std::string, std::string>& texts,
                      std::string_view) {
  if (texts.empty()) return;
  line(fmt::format("{}:", key));
  ++depth_;
  for (const auto& [name, text] : texts) {
    line(fmt::format("{}: {}", plain(name) ? name : quoted(name), quoted(text)));
  }
  --depth_;
}

bool Writer::begin_object(std::string_view key, const FieldInfo&) {
  line(fmt::format("{}:", key));
  ++depth_;
  return true;
}

bool Writer::begin_optional(std::string_view key, const FieldInfo& info, bool engaged) {
  return engaged && begin_object(key, info);
}

bool Writer::begin_catalogued(std::string_view key, std::string_view, const FieldInfo& info,
                              bool engaged) {
  return engaged && begin_object(key, info);
}

bool Writer::begin_choice(std::string_view key, const FieldInfo& info) {
  return begin_object(key, info);
}

void Writer::end_object() {
  // A mapping in which nothing was told is empty, not left out.
  if (dash_) line("{}");
  if (out_.ends_with(":\n")) out_.insert(out_.size() - 1, " {}");
  --depth_;
}

std::size_t Writer::begin_list(std::string_view key, const FieldInfo&, std::size_t size) {
  line(size > 0 ? fmt::format("{}:", key) : fmt::format("{}: []", key));
  ++depth_;
  return size;
}

bool Writer::begin_item(std::size_t) {
  ++depth_;
  dash_ = true;
  return true;
}

void Writer::item(std::size_t, ScalarRef value, const FieldInfo&) {
  line(fmt::format("- {}", written(value)));
}

void Writer::end_list() { --depth_; }

}  // namespace terrace::config
