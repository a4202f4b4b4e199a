#include "sim/study/sweep/axes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/base/text.hpp"
#include "sim/config/path.hpp"
#include "sim/study/sweep/range.hpp"

namespace terrace {
namespace {

using config::Diagnostics;
using config::Node;

/// A scalar as written, anything else in one line.
std::string label_of(const Node& node) {
  return node.kind == Node::Kind::scalar ? node.text : config::flow_text(node);
}

std::vector<Node> spelled_out(const Node& values, Diagnostics& diagnostics) {
  if (values.kind == Node::Kind::list) {
    if (values.items.empty()) diagnostics.error(values.place, "an axis needs a value at least");
    return values.items;
  }
  const auto texts = expand_range(values.text);
  if (!texts.value) {
    diagnostics.error(values.place, fmt::format("'{}' is no range: {}", values.text, texts.why),
                      "as in 1GiB..1TiB x2, 4..64 +4, or a list [4, 8]");
    return {};
  }
  std::vector<Node> nodes;
  for (const std::string& text : *texts.value) {
    Node node = values;
    node.text = text;
    nodes.push_back(std::move(node));
  }
  return nodes;
}

SweptKey read_key(const SweepKeySpec& spec, Diagnostics& diagnostics) {
  SweptKey key{spec.key.text, spec.key.place, {}, {}};
  if (spec.values.kind != Node::Kind::null) key.values = spelled_out(spec.values, diagnostics);
  for (const Node& value : key.values) key.labels.push_back(label_of(value));
  return key;
}

/// Keys that move together may repeat a value of one, but not of all.
void check_repeats(const SweptAxis& axis, Diagnostics& diagnostics) {
  std::set<std::vector<std::string>> seen;
  for (std::size_t i = 0; i < axis.size(); ++i) {
    std::vector<std::string> labels;
    for (const SweptKey& key : axis.keys) labels.push_back(key.labels[i]);
    if (seen.insert(labels).second) continue;
    std::vector<std::string_view> paths;
    for (const SweptKey& key : axis.keys) paths.push_back(key.path);
    diagnostics.error(axis.keys.front().values[i].place,
                      fmt::format("'{}' is already a value of '{}'", fmt::join(labels, ", "),
                                  fmt::join(paths, ", ")));
  }
}

std::pair<std::string, std::string> split_at_equals(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return {text, {}};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// Whether a position of the axis passes the filters of each of its keys.
bool passes(const SweptAxis& axis, std::size_t position,
            const std::map<std::string, std::vector<std::string>>& wanted) {
  for (const SweptKey& key : axis.keys) {
    const auto found = wanted.find(key.path);
    if (found == wanted.end()) continue;
    const auto& labels = found->second;
    if (std::none_of(labels.begin(), labels.end(), [&](const std::string& label) {
          return same_label(label, key.labels[position]);
        })) {
      return false;
    }
  }
  return true;
}

template <class T>
void keep(std::vector<T>& all, const std::vector<std::size_t>& positions) {
  std::vector<T> kept;
  kept.reserve(positions.size());
  for (const std::size_t i : positions) kept.push_back(std::move(all[i]));
  all = std::move(kept);
}

/// A place on the command line.
config::Place option_place(const std::string& name, Diagnostics& diagnostics) {
  return {&diagnostics.add_source(name, ""), 1, 1, 1};
}

/// The labels as numbers, if all of them are Ts.
template <class T>
bool as_numbers(const SweptKey& key, std::string_view unit, double scale, SweepColumn& column) {
  std::vector<std::string> cells;
  bool any = false;
  for (const std::string& label : key.labels) {
    const auto value = config::Scalar<T>::parse(label);
    any = any || value.value.has_value();
    if (!value.value && label != "0") return false;
    const double number = value.value ? config::Scalar<T>::magnitude(*value.value) : 0;
    cells.push_back(scale == 1 && number < 9e15 &&
                            static_cast<double>(static_cast<std::int64_t>(number)) == number
                        ? fmt::format("{}", static_cast<std::int64_t>(number))
                        : fmt::format("{}", number * scale));
  }
  if (!any) return false;
  column.cells = std::move(cells);
  column.heading += fmt::format("_{}", unit);
  return true;
}

SweepColumn column_of(const SweptKey& key, std::size_t axis) {
  SweepColumn column{key.path, key.path, key.path, axis, key.labels, key.labels};
  static_cast<void>(as_numbers<Bytes>(key, "bytes", 1, column) ||
                    as_numbers<Duration>(key, "s", 1e-12, column) ||
                    as_numbers<Frequency>(key, "per_s", 1, column) ||
                    as_numbers<Bandwidth>(key, "bytes_per_s", 1, column) ||
                    as_numbers<FlopRate>(key, "flop_per_s", 1, column));
  return column;
}

/// A path into a tier under the tier's name: "dram.capacity" for "tiers[0].capacity".
std::string by_tier(const std::string& path, const std::vector<std::string>& tiers) {
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    const std::string start = fmt::format("tiers[{}]", i);
    if (!tiers[i].empty() && path.starts_with(start)) return tiers[i] + path.substr(start.size());
  }
  return path;
}

/// The end of a path from its n-th last dot on.
std::string ending(const std::string& path, std::size_t dots) {
  std::size_t at = path.size();
  for (std::size_t i = 0; i < dots; ++i) {
    at = at == 0 ? std::string::npos : path.rfind('.', at - 1);
    if (at == std::string::npos) return path;
  }
  return path.substr(at + 1);
}

}  // namespace

std::vector<SweptAxis> read_axes(const SweepSpec& spec, Diagnostics& diagnostics) {
  std::vector<SweptAxis> axes;
  for (const SweepAxisSpec& written : spec.axes) {
    SweptAxis axis;
    const auto& keys = written.zip.empty() ? std::vector<SweepKeySpec>{written.one} : written.zip;
    for (const SweepKeySpec& key : keys) axis.keys.push_back(read_key(key, diagnostics));
    axis.place = axis.keys.front().place;
    bool even = true;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::size_t size = axis.keys[i].values.size();
      even = even && size == axis.size();
      if (size == axis.size() || size == 0 || axis.size() == 0) continue;
      diagnostics.error(keys[i].values.place,
                        fmt::format("'{}' has {} values, but '{}', which moves with it, has {}",
                                    axis.keys[i].path, size, axis.keys[0].path, axis.size()));
    }
    if (even) check_repeats(axis, diagnostics);
    axes.push_back(std::move(axis));
  }
  return axes;
}

void check_keys(const SweepSpec& spec, const std::vector<std::string>& sets,
                const std::vector<SweptAxis>& axes, Diagnostics& diagnostics) {
  std::vector<std::pair<std::string, config::Place>> earlier;
  const auto add = [&](const std::string& path, const config::Place& place) {
    if (config::lies_within(path, "seed")) {
      diagnostics.error(place, "the seed is not a key to set here",
                        "use repeat: {seeds: 5}, or repeat: {seeds: [1, 2, 3]}");
    }
    for (const auto& [other, where] : earlier) {
      if (other == path) {
        diagnostics.error(place, fmt::format("'{}' is already set at {}", path, to_string(where)));
      } else if (config::lies_within(other, path)) {
        diagnostics.error(
            place, fmt::format("'{}' replaces '{}', set at {}", path, other, to_string(where)),
            "put it first, or set its parts");
      }
    }
    earlier.emplace_back(path, place);
  };
  for (const Node::Member& member : spec.set.members) add(member.key, member.place);
  for (const std::string& set : sets) {
    // Over the file's own: that is what the command line is for.
    const std::string path = split_at_equals(set).first;
    std::erase_if(earlier, [&](const auto& other) { return other.first == path; });
    add(path, option_place("--set " + set, diagnostics));
  }
  for (const SweptAxis& axis : axes) {
    for (const SweptKey& key : axis.keys) {
      if (!key.path.empty()) add(key.path, key.place);
    }
  }
}

void apply_filters(std::vector<SweptAxis>& axes, const std::vector<SweepColumn>& columns,
                   const std::vector<std::string>& filters) {
  std::map<std::string, const SweptKey*> keys;
  for (const SweptAxis& axis : axes) {
    for (const SweptKey& key : axis.keys) keys[key.path] = &key;
  }
  std::map<std::string, std::vector<std::string>> wanted;
  for (const std::string& filter : filters) {
    auto [key, label] = split_at_equals(filter);
    for (const SweepColumn& column : columns) {
      if (column.name == key) key = column.path;
    }
    const auto found = keys.find(key);
    if (found == keys.end()) {
      std::vector<std::string_view> names;
      names.reserve(columns.size());
      for (const SweepColumn& column : columns) names.push_back(column.name);
      std::vector<std::string_view> known = names;
      for (const SweepColumn& column : columns) known.push_back(column.path);
      const auto near = closest(key, known);
      throw NoSuchArm(
          fmt::format("--filter {}: '{}' is no key of an axis; {}", filter, key,
                      near ? fmt::format("did you mean '{}'?", *near)
                           : fmt::format("expected one of: {}", fmt::join(names, ", "))));
    }
    const auto& labels = found->second->labels;
    if (std::none_of(labels.begin(), labels.end(), [&, wanted_label = label](const auto& l) {
          return same_label(l, wanted_label);
        })) {
      throw NoSuchArm(fmt::format("--filter {}: '{}' has no value '{}'; expected one of: {}",
                                  filter, key, label, fmt::join(labels, ", ")));
    }
    wanted[key].push_back(label);
  }
  for (SweptAxis& axis : axes) {
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < axis.size(); ++i) {
      if (passes(axis, i, wanted)) positions.push_back(i);
    }
    if (positions.empty()) {
      throw NoSuchArm(
          fmt::format("--filter: no value of the axis of '{}' passes", axis.keys[0].path));
    }
    for (SweptKey& key : axis.keys) {
      keep(key.values, positions);
      keep(key.labels, positions);
    }
  }
}

std::vector<SweepColumn> columns_of(const std::vector<SweptAxis>& axes,
                                    const std::vector<std::string>& tiers) {
  std::vector<SweepColumn> columns;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    for (const SweptKey& key : axes[i].keys) columns.push_back(column_of(key, i));
  }
  for (SweepColumn& column : columns) {
    const auto shared = [&](const std::string& name, std::size_t dots) {
      return std::count_if(columns.begin(), columns.end(), [&](const SweepColumn& other) {
               return ending(other.path, dots) == name;
             }) > 1;
    };
    if (shared(ending(column.path, 1), 1)) {
      column.name = by_tier(column.path, tiers);
      if (column.name != column.path) continue;
    }
    std::size_t dots = 1;
    for (column.name = ending(column.path, dots);
         column.name != column.path && shared(column.name, dots);) {
      column.name = ending(column.path, ++dots);
    }
  }
  return columns;
}

bool same_label(std::string_view a, std::string_view b) {
  const auto bare = [](std::string_view text) {
    std::string all(text);
    std::erase(all, ' ');
    return all;
  };
  return bare(a) == bare(b);
}

}  // namespace terrace
