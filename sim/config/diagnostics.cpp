#include "sim/config/diagnostics.hpp"

#include <algorithm>
#include <sstream>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace terrace::config {
namespace {

constexpr std::size_t kLongestExcerpt = 160;

/// Control characters would move the caret, or worse, the user's terminal.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

}  // namespace

std::string to_string(const Place& place) {
  if (place.source == nullptr) return "default";
  if (place.source->lines.empty()) return place.source->name;
  return fmt::format("{}:{}:{}", place.source->name, place.line, place.column);
}

const Source& Diagnostics::add_source(std::string name, std::string_view text) {
  Source source{std::move(name), {}};
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) source.lines.push_back(line);
  return sources_.emplace_back(std::move(source));
}

void Diagnostics::error(Place place, std::string message, std::string hint) {
  errors_.push_back({place, printable(std::move(message)), printable(std::move(hint))});
}

std::string Diagnostics::render() const {
  auto order = [this](const Error& e) {
    const auto source = std::find_if(sources_.begin(), sources_.end(),
                                     [&](const Source& s) { return &s == e.place.source; });
    return std::tuple{source - sources_.begin(), e.place.line, e.place.column};
  };
  auto sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Error& a, const Error& b) { return order(a) < order(b); });

  std::string out;
  for (const auto& [place, message, hint] : sorted) {
    const bool located = place.source != nullptr;
    out += located ? fmt::format("{}: error: {}", to_string(place), message) : "error: " + message;
    const auto row = static_cast<std::size_t>(place.line - 1);
    if (!located || row >= place.source->lines.size()) {
      out += hint.empty() ? "\n" : "; " + hint + "\n";
      continue;
    }
    std::string line = printable(place.source->lines[row]);
    auto indent = std::min(static_cast<std::size_t>(place.column - 1), line.size());
    if (line.size() > kLongestExcerpt) {  // show what is around the mistake
      const std::size_t cut = indent > kLongestExcerpt / 2 ? indent - kLongestExcerpt / 2 : 0;
      line = line.substr(cut, kLongestExcerpt);
      indent -= cut;
    }
    const auto width = std::clamp<std::size_t>(place.width, 1, line.size() - indent + 1);
    out += fmt::format("\n{:5} | {}\n      | {:{}}^{:~<{}}", place.line, line, "", indent, "",
                       width - 1);
    out += hint.empty() ? "\n" : " " + hint + "\n";
  }
  return out;
}

void Diagnostics::raise() const {
  if (!ok()) throw ConfigError(render());
}

}  // namespace terrace::config
