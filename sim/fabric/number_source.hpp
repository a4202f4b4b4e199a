#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sim/config/fields.hpp"

namespace terrace {

/// Where the numbers of a profile come from: the path of a field, or of a mapping around it -> text
/// that NumberSource reads.
using Sources = std::map<std::string, std::string>;

/// One such text, 'kind: where, date, confidence': "measured: nvidia-smi, 2026-10, high".
struct NumberSource {
  std::string_view kind;   // measured, fitted, datasheet, assumed
  std::string_view where;  // the place, and what has to be known to use the number
  std::string_view date;   // measured, published or, failing that, read; 2026, 2026-10, 2026-10-28
  std::string_view confidence;  // high: seen there; medium: not checked again; low: an estimate

  /// Nothing if `text` begins with no kind. Date and confidence stay empty if it does not end in
  /// both. The parts point into `text`.
  static std::optional<NumberSource> parse(std::string_view text);
};

/// Whether `text` is a year, a month or a day: 2026, 2026-10, 2026-10-28.
bool is_date(std::string_view text);

/// The entry for the field at `path`, or for what it is part of; nothing if there is none.
const std::string* source_of(const Sources& sources, std::string_view path);

/// Tells the key `sources`, and reports an entry that is no provenance.
void describe_sources(config::Fields& f, Sources& sources);

}  // namespace terrace
