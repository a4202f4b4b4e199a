#include "sim/config/node.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace terrace::config {
namespace {

constexpr std::size_t kLargestFile = std::size_t{16} << 20U;

/// Builds the tree from the parser's events: unlike YAML::Node they show every key, also one that
/// stands twice, and they let us refuse aliases, which can blow up a short file to any size.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Source& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    diagnostics_.error({&source_, mark.line + 1, mark.column + 1, 1},
                       "the document has ended before this", "only one is read");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(leaf(Node::Kind::null, mark, anchor, {}));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse_anchor(mark);
    add(leaf(Node::Kind::null, mark, 0, {}));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool plain_null = tag == "?" && (value.empty() || value == "~" || value == "null");
    add(leaf(plain_null ? Node::Kind::null : Node::Kind::scalar, mark, anchor, value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back({leaf(Node::Kind::list, mark, anchor, {}), std::nullopt, {}});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back({leaf(Node::Kind::map, mark, anchor, {}), std::nullopt, {}});
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    std::optional<Node> key;  // of a map: read, its value is still to come
    std::set<std::string> keys;
  };

  Node leaf(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, std::string text) {
    if (anchor != 0) refuse_anchor(mark);
    Node node;
    node.kind = kind;
    node.place = {&source_, mark.line + 1, mark.column + 1, text.size()};
    node.text = std::move(text);
    return node;
  }

  void refuse_anchor(const YAML::Mark& mark) {
    diagnostics_.error({&source_, mark.line + 1, mark.column + 1, 1},
                       "anchors and aliases are not supported", "write the value out");
  }

  void close() {
    Node done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }

  void add(Node node) {
    if (open_.empty()) {
      if (documents_ == 1) root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      if (node.kind == Node::Kind::list || node.kind == Node::Kind::map) {
        diagnostics_.error(node.place, "a key must be a name");
      }
      parent.key = std::move(node);
    } else {
      const Node key = *std::exchange(parent.key, std::nullopt);
      if (!parent.keys.insert(key.text).second) {
        diagnostics_.error(key.place, fmt::format("duplicate key '{}'", key.text));
      } else {
        parent.node.members.push_back({key.text, key.place, std::move(node)});
      }
    }
  }

  const Source& source_;
  Diagnostics& diagnostics_;
  Node root_;
  std::vector<Open> open_;
  int documents_ = 0;
};

/// Where text stops being UTF-8 without NUL (RFC 3629; overlong forms and surrogates pass).
std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead == 0     ? 0
                               : lead < 0x80 ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || i + length > text.size()) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return i;
    }
    i += length;
  }
  return std::nullopt;
}

/// A scalar as it can stand between brackets.
std::string flow_scalar(const std::string& text) {
  const bool plain = !text.empty() &&
                     text.find_first_of(",[]{}:#\"'\n\t&*!|>%@`") == std::string_view::npos &&
                     text.front() != ' ' && text.back() != ' ';
  if (plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

const Node::Member* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

Node::Member* Node::find(std::string_view key) {
  return const_cast<Member*>(std::as_const(*this).find(key));
}

Node parse_yaml(std::string name, std::string_view text, Diagnostics& diagnostics) {
  const Source& source = diagnostics.add_source(std::move(name), text);
  TreeBuilder builder(source, diagnostics);
  std::istringstream in{std::string(text)};
  if (const auto bad = first_invalid_utf8(text)) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n');
    diagnostics.error({&source, static_cast<int>(line) + 1, 1, 1}, "this line is not UTF-8 text");
    return {};
  }
  try {
    YAML::Parser parser(in);
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const YAML::DeepRecursion& e) {
    diagnostics.error({&source, e.mark.line + 1, e.mark.column + 1, 1}, "nested too deeply");
  } catch (const YAML::Exception& e) {
    diagnostics.error({&source, e.mark.line + 1, e.mark.column + 1, 1}, e.msg);
  }
  Node root = builder.take();
  if (root.place.source == nullptr) root.place.source = &source;
  return root;
}

std::string read_text_file(const std::string& path) {
  const auto fail = [&](const char* why) {
    return ConfigError(fmt::format("{}: error: cannot read this file: {}\n", path, why));
  };
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string text;
  std::array<char, 1U << 16U> part{};
  while (in && text.size() <= kLargestFile) {  // some files, such as /dev/zero, never end
    in.read(part.data(), part.size());
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad() || errno != 0) throw fail(errno != 0 ? std::strerror(errno) : "not readable");
  if (text.size() > kLargestFile) throw fail("it is larger than 16 MiB");
  return text;
}

std::string flow_text(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::scalar:
      return flow_scalar(node.text);
    case Node::Kind::list:
    case Node::Kind::map:
      break;
  }
  const bool list = node.kind == Node::Kind::list;
  std::string all;
  for (const Node& item : node.items) all += (all.empty() ? "" : ", ") + flow_text(item);
  for (const Node::Member& member : node.members) {
    all += (all.empty() ? "" : ", ") + flow_scalar(member.key) + ": " + flow_text(member.value);
  }
  return list ? "[" + all + "]" : "{" + all + "}";
}

}  // namespace terrace::config
