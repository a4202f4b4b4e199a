#include <charconv>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/config/node.hpp"
#include "sim/config/path.hpp"

namespace terrace::config {
namespace {

/// One step of an override's path: a key, or an index into a list.
struct Step {
  std::string key;
  std::optional<std::size_t> index;
};

/// "a.b[2].c" as steps; nothing if it is malformed.
std::optional<std::vector<Step>> split_path(std::string_view path) {
  std::vector<Step> steps;
  std::istringstream parts{std::string(path)};
  for (std::string part; std::getline(parts, part, '.');) {
    const auto bracket = part.find('[');
    const std::string key = part.substr(0, bracket);
    if (key.empty()) return std::nullopt;
    steps.push_back({key, std::nullopt});
    std::string_view rest =
        bracket == std::string::npos ? std::string_view{} : std::string_view{part}.substr(bracket);
    while (!rest.empty()) {
      const auto end = rest.find(']');
      if (rest.front() != '[' || end == std::string_view::npos) return std::nullopt;
      const std::string_view digits = rest.substr(1, end - 1);
      std::size_t index = 0;
      const auto [stop, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), index);
      if (error != std::errc{} || stop != digits.data() + digits.size()) return std::nullopt;
      steps.push_back({{}, index});
      rest.remove_prefix(end + 1);
    }
  }
  if (steps.empty() || path.ends_with('.')) return std::nullopt;
  return steps;
}

/// Makes a whole tree say that it stands at `place`.
void move_to(Node& node, const Place& place) {
  node.place = place;
  for (Node& item : node.items) move_to(item, place);
  for (Node::Member& member : node.members) {
    member.place = place;
    move_to(member.value, place);
  }
}

/// `gpu: h200-sxm` as `gpu: {use: h200-sxm}`, so that keys of the entry can be overridden.
void use_entry(Node& name) {
  Node named;
  named.kind = Node::Kind::map;
  named.place = name.place;
  named.members.push_back({"use", name.place, name});
  name = std::move(named);
}

}  // namespace

void overlay(Node& below, const Node& above) {
  const bool entry_anew = above.find("use") != nullptr;
  if (below.kind == Node::Kind::scalar && above.kind == Node::Kind::map && !entry_anew) {
    use_entry(below);
  }
  if (below.kind != Node::Kind::map || above.kind != Node::Kind::map || entry_anew) {
    below = above;
    return;
  }
  for (const Node::Member& member : above.members) {
    if (Node::Member* old = below.find(member.key)) {
      overlay(old->value, member.value);
      old->place = member.place;
    } else {
      below.members.push_back(member);
    }
  }
}

void apply_override(Node& root, std::string_view path, Node value, const Place& place,
                    Diagnostics& diagnostics) {
  const auto steps = split_path(path);
  if (!steps) {
    diagnostics.error(place, fmt::format("'{}' is not a path of keys", path),
                      "as in tiers[0].capacity");
    return;
  }
  Node* at = &root;
  for (const Step& step : *steps) {
    if (step.index) {
      if (at->kind != Node::Kind::list || *step.index >= at->items.size()) {
        diagnostics.error(place, fmt::format("there is no element [{}] to set", *step.index),
                          fmt::format("the list has {} elements", at->items.size()));
        return;
      }
      at = &at->items[*step.index];
      continue;
    }
    if (at->kind == Node::Kind::scalar) use_entry(*at);
    if (at->kind == Node::Kind::null) {
      at->kind = Node::Kind::map;
      at->place = place;
    }
    if (at->kind != Node::Kind::map) {
      diagnostics.error(place, fmt::format("'{}' is looked for in a list", step.key),
                        "say which element, as in tiers[0].capacity");
      return;
    }
    if (at->find(step.key) == nullptr) at->members.push_back({step.key, place, {}});
    Node::Member* member = at->find(step.key);
    member->place = place;
    at = &member->value;
  }
  *at = std::move(value);
}

void apply_override(Node& root, std::string_view assignment, Diagnostics& diagnostics) {
  const std::string name = fmt::format("--set {}", assignment);
  const Place place{&diagnostics.add_source(name, ""), 1, 1, 1};
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    diagnostics.error(place, "an override is written key=value", "as in serving.replicas=2");
    return;
  }
  Node value = parse_yaml(name, assignment.substr(equals + 1), diagnostics);
  move_to(value, place);
  apply_override(root, assignment.substr(0, equals), std::move(value), place, diagnostics);
}

void apply_text_override(Node& root, std::string_view path, std::string text,
                         Diagnostics& diagnostics) {
  const Place place{&diagnostics.add_source("command line", ""), 1, 1, 1};
  apply_override(root, path, {Node::Kind::scalar, std::move(text), place, {}, {}}, place,
                 diagnostics);
}

bool lies_within(std::string_view path, std::string_view whole) {
  if (!path.starts_with(whole)) return false;
  return path.size() == whole.size() || path[whole.size()] == '.' || path[whole.size()] == '[';
}

}  // namespace terrace::config
