#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/diagnostics.hpp"

namespace terrace::config {

/// A YAML document as read, before anything is made of it: every part knows where it stands.
struct Node {
  enum class Kind { null, scalar, list, map };
  struct Member;

  Kind kind = Kind::null;
  std::string text;  // of a scalar, as written
  Place place;
  std::vector<Node> items;      // of a list
  std::vector<Member> members;  // of a map, in the order of the text

  [[nodiscard]] const Member* find(std::string_view key) const;
  [[nodiscard]] Member* find(std::string_view key);
};

struct Node::Member {
  std::string key;
  Place place;
  Node value;
};

/// Reads YAML, of which JSON is a part. Mistakes of syntax, duplicate keys, anchors and aliases go
/// to `diagnostics`; what could be read is returned all the same.
Node parse_yaml(std::string name, std::string_view text, Diagnostics& diagnostics);

/// The tree as one line of YAML, "{policy: lru, sizes: [1, 2]}"; equal trees give equal text.
std::string flow_text(const Node& node);

/// The text of a file. Throws ConfigError naming the path if it cannot be read.
std::string read_text_file(const std::string& path);

/// Lays `above` over `below`: maps merge key by key, and with the entry of the catalogue that a
/// name stands for; anything else, and a map that names an entry itself, replaces what was there.
void overlay(Node& below, const Node& above);

/// Applies one `a.b[2].c=value` of the command line. A path into a name of the catalogue
/// (`gpu: h200-sxm`, `gpu.memory=120 GB`) overrides that one key of the named entry.
void apply_override(Node& root, std::string_view assignment, Diagnostics& diagnostics);

/// The same for a value that was read elsewhere. Mistakes in the path, and keys that nobody knows,
/// are reported at `place`; those in the value where it stands.
void apply_override(Node& root, std::string_view path, Node value, const Place& place,
                    Diagnostics& diagnostics);

/// The same for a value that is text whatever it looks like, such as the name of a file.
void apply_text_override(Node& root, std::string_view path, std::string text,
                         Diagnostics& diagnostics);

}  // namespace terrace::config
