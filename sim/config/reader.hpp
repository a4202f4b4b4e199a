#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/fields.hpp"
#include "sim/config/node.hpp"

namespace terrace::config {

/// One value as it came to be, for `terrace config explain`.
struct Resolved {
  std::string path;    // "tiers[0].capacity"
  std::string value;   // as it would be written in a file
  std::string doc;     // what it means
  std::string origin;  // "scenario.yaml:3:15", "--set ...", or "default"
};

/// Entries of the catalogue as they were read the first time, for those who read many scenarios:
/// most of the time goes there. For one thread; outlives what is read with it.
class EntryCache {
 public:
  /// The entry in this file; nothing if it is malformed.
  std::optional<Node> read(const std::string& file);

 private:
  Diagnostics texts_;  // that places point into
  std::map<std::string, std::optional<Node>> entries_;
};

/// Fills structs from a tree. Reading never stops at a mistake: it reports, keeps the default and
/// goes on. A key that nobody asked for is a mistake too. Call Diagnostics::raise() at the end.
class Reader final : public Fields {
 public:
  /// `what` names the whole in messages: "the scenario".
  Reader(const Node& root, std::string what, const Catalogue& catalogue, Diagnostics& diagnostics,
         EntryCache* cache = nullptr);

  template <class T>
  void read(T& value) {
    describe(*this, value);
    end_object();
  }

  /// Every scalar that was told, in order.
  [[nodiscard]] const std::vector<Resolved>& resolved() const { return resolved_; }

  void check(bool holds, std::string_view key, std::string_view message,
             std::string_view hint) override;
  void text_map(std::string_view key, std::map<std::string, std::string>& texts,
                std::string_view doc) override;

 private:
  struct Frame {
    const Node* node;  // null: the mapping was left out, every field keeps its default
    std::string path;
    std::vector<std::string> asked;
    std::size_t errors_before;
    bool misread = false;  // what stands there was reported: that keys are missing is no news
  };

  void scalar(std::string_view key, ScalarRef value, const FieldInfo& info) override;
  void as_written(std::string_view key, Node& value, std::string_view shapes,
                  const FieldInfo& info) override;
  void alternatives(std::string_view key, ScalarRef which, const FieldInfo& info,
                    FunctionRef<void()> body) override;
  bool begin_object(std::string_view key, const FieldInfo& info) override;
  bool begin_optional(std::string_view key, const FieldInfo& info, bool engaged) override;
  bool begin_catalogued(std::string_view key, std::string_view kind, const FieldInfo& info,
                        bool engaged) override;
  bool begin_choice(std::string_view key, const FieldInfo& info) override;
  void end_object() override;
  std::size_t begin_list(std::string_view key, const FieldInfo& info, std::size_t size) override;
  bool begin_item(std::size_t index) override;
  void item(std::size_t index, ScalarRef value, const FieldInfo& info) override;
  void end_list() override;

  const Node::Member* ask(std::string_view key);
  void open_map(const Node* node, std::string path);
  void missing(std::string_view key);
  void store(const Node& node, const std::string& path, ScalarRef value, const FieldInfo& info);
  [[nodiscard]] std::string path_to(std::string_view key) const;
  [[nodiscard]] std::string name_of(const std::string& path) const;
  const Node* named_entry(const Node& value, std::string_view kind, const std::string& path);

  std::string what_;
  Place whole_;  // stands for what was left out
  const Catalogue& catalogue_;
  Diagnostics& diagnostics_;
  EntryCache* cache_;
  std::vector<Frame> frames_;
  std::vector<const Node*> lists_;
  std::deque<Node> entries_;  // of the catalogue, with their overrides laid over
  std::vector<Resolved> resolved_;
};

/// A T from a file alone. Throws ConfigError with every mistake.
template <class T>
T read_file(const std::string& path, const Catalogue& catalogue = {}) {
  Diagnostics diagnostics;
  const Node root = parse_yaml(path, read_text_file(path), diagnostics);
  diagnostics.raise();
  T value{};
  Reader(root, path, catalogue, diagnostics).read(value);
  diagnostics.raise();
  return value;
}

}  // namespace terrace::config
