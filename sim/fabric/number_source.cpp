#include "sim/fabric/number_source.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace terrace {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"measured", "fitted", "datasheet", "assumed"};
constexpr std::array<std::string_view, 3> kConfidences{"high", "medium", "low"};

/// Cuts what follows the last ", " off `text` and returns it; all of `text` stays if there is none.
std::string_view cut_last(std::string_view& text) {
  const auto comma = text.rfind(", ");
  if (comma == std::string_view::npos) return {};
  const std::string_view last = text.substr(comma + 2);
  text = text.substr(0, comma);
  return last;
}

bool digits(std::string_view text, std::size_t count) {
  return text.size() == count &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<NumberSource> NumberSource::parse(std::string_view text) {
  const auto colon = text.find(": ");
  if (colon == std::string_view::npos || colon + 2 == text.size()) return std::nullopt;
  NumberSource source{text.substr(0, colon), text.substr(colon + 2), {}, {}};
  if (std::find(kKinds.begin(), kKinds.end(), source.kind) == kKinds.end()) return std::nullopt;

  std::string_view where = source.where;
  const std::string_view confidence = cut_last(where);
  const std::string_view date = cut_last(where);
  const bool known =
      std::find(kConfidences.begin(), kConfidences.end(), confidence) != kConfidences.end();
  if (known && is_date(date)) return NumberSource{source.kind, where, date, confidence};
  return source;
}

bool is_date(std::string_view text) {
  if (digits(text, 4)) return true;
  if (text.size() != 7 && text.size() != 10) return false;
  const std::string_view month = text.substr(5, 2);
  if (!digits(text.substr(0, 4), 4) || text[4] != '-' || !digits(month, 2)) return false;
  if (month < "01" || month > "12") return false;
  if (text.size() == 7) return true;
  const std::string_view day = text.substr(8);
  return text[7] == '-' && digits(day, 2) && day >= "01" && day <= "31";
}

const std::string* source_of(const Sources& sources, std::string_view path) {
  while (!path.empty()) {
    if (const auto found = sources.find(std::string(path)); found != sources.end()) {
      return &found->second;
    }
    const auto cut = path.find_last_of(".[");
    path = path.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return nullptr;
}

void describe_sources(config::Fields& f, Sources& sources) {
  f.text_map("sources", sources,
             "where each number comes from: field -> 'measured|fitted|datasheet|assumed: where, "
             "date, high|medium|low confidence'");
  for (const auto& [field, text] : sources) {
    f.check(NumberSource::parse(text).has_value(), "sources",
            fmt::format("the source of '{}' does not say what it is", field),
            fmt::format("begin it with one of: {}, as in 'measured: where, 2026-10, high'",
                        fmt::join(kKinds, ", ")));
  }
}

}  // namespace terrace
