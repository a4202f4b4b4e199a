#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "calibrate/fitting/points.hpp"
#include "sim/base/text.hpp"
#include "sim/config/node.hpp"
#include "sim/config/scalar.hpp"

namespace terrace::calibrate {
namespace {

using config::Node;

/// The scalar at `key`, or null after reporting that there is none.
const Node* scalar(const Node& point, std::string_view key, config::Diagnostics& errors) {
  const Node::Member* member = point.find(key);
  if (member == nullptr || member->value.kind != Node::Kind::scalar) {
    errors.error(member == nullptr ? point.place : member->value.place,
                 fmt::format("a point needs a plain value '{}'", key));
    return nullptr;
  }
  return &member->value;
}

std::string_view text_at(const Node& point, std::string_view key) {
  const Node::Member* member = point.find(key);
  return member != nullptr ? std::string_view(member->value.text) : std::string_view();
}

/// How far batches lie apart; 0 if the point does not say.
double spread_of(const Node& point, double median) {
  const auto low = config::Scalar<double>::parse(text_at(point, "p10"));
  const auto high = config::Scalar<double>::parse(text_at(point, "p90"));
  if (!low.value || !high.value || !(median > 0)) return 0;
  return std::max(0.0, (*high.value - *low.value) / median);
}

void add_point(PointTable& table, const Node& node) {
  config::Diagnostics& errors = *table.texts;
  Point point;
  point.ok = text_at(node, "ok") != "false";
  point.cells.assign(table.columns.size(), Cell{{}, node.place});
  const Node::Member* x = node.find("x");
  if (x == nullptr || x->value.kind != Node::Kind::map) {
    errors.error(node.place, "a point needs a mapping 'x' that says what was called");
    return;
  }
  for (const Node::Member& member : x->value.members) {
    point.cells[table.column(member.key)] = {member.value.text, member.value.place};
  }
  if (const Node::Member* l2 = node.find("l2")) {
    point.cells[table.column("l2")] = {l2->value.text, l2->value.place};
  }
  if (point.ok) {  // a measurement that failed need not have a time
    const Node* median = scalar(node, "median", errors);
    const Node* unit = scalar(node, "unit", errors);
    if (median == nullptr || unit == nullptr) return;
    point.time = {median->text, median->place};
    if (seconds_per(unit->text) > 0) {
      read_time(table, point, seconds_per(unit->text));
      point.spread = spread_of(node, point.seconds / seconds_per(unit->text));
    } else {
      errors.error(unit->place, fmt::format("'{}' is no unit of time", unit->text),
                   "use us, ns, ms or s");
    }
  }
  table.points.push_back(std::move(point));
}

}  // namespace

void read_json_points(PointTable& table, std::string_view text, std::string_view family) {
  config::Diagnostics& errors = *table.texts;
  const Node root = config::parse_yaml(table.name, text, errors);
  if (!errors.ok()) return;
  const Node::Member* list = root.find("points");
  if (list == nullptr || list->value.kind != Node::Kind::list) {
    errors.error(root.place, "no list 'points'", "a calibration has one; see --help");
    return;
  }
  std::vector<const Node*> ours;
  std::set<std::string> families;
  for (const Node& point : list->value.items) {
    const std::string_view its = text_at(point, "family");
    families.emplace(its);
    if (its == family) ours.push_back(&point);
  }
  if (ours.empty()) {
    errors.error(list->place, fmt::format("no point has the family '{}'", family),
                 fmt::format("there are: {}", fmt::join(families, ", ")));
    return;
  }
  std::set<std::string> columns;  // points of one family need not say the same
  for (const Node* point : ours) {
    if (point->find("l2") != nullptr) columns.emplace("l2");
    if (const Node::Member* x = point->find("x")) {
      for (const Node::Member& member : x->value.members) {
        columns.emplace(PointTable::canonical(member.key));
      }
    }
  }
  table.columns.assign(columns.begin(), columns.end());
  for (const Node* point : ours) {
    add_point(table, *point);
    if (errors.count() >= kMostMistakes) break;
  }
}

}  // namespace terrace::calibrate
