#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/config/catalogue.hpp"
#include "sim/config/fields.hpp"

namespace terrace::config {

/// Describes structs as JSON Schema (draft 7, which editors' YAML plug-ins understand).
class SchemaMaker final : public Fields {
 public:
  explicit SchemaMaker(const Catalogue& catalogue) : catalogue_(catalogue) {}

  template <class T>
  nlohmann::ordered_json schema_of(T& value, std::string_view title) {
    open_.push_back(empty_object());
    describe(*this, value);
    nlohmann::ordered_json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                                     {"title", title}};
    schema.update(open_.back());
    open_.clear();
    return schema;
  }

  [[nodiscard]] bool wants_all() const override { return true; }
  void may_be_missing(std::string_view key) override;
  void check(bool, std::string_view, std::string_view, std::string_view) override {}
  void text_map(std::string_view key, std::map<std::string, std::string>& texts,
                std::string_view doc) override;

 private:
  using Json = nlohmann::ordered_json;

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

  static Json empty_object();
  static Json schema_of(const ScalarRef& value, const FieldInfo& info);
  void add(std::string_view key, Json schema, const FieldInfo& info);
  void open(Json wrapper, Json object);

  const Catalogue& catalogue_;
  std::vector<Json> open_;  // objects, and lists, still being described

  struct Pending {
    std::string key;
    std::string doc;
    bool required = false;
    std::string kind;        // of the catalogue, if the object may be a name
    bool is_choice = false;  // its `policy` may stand alone
  };
  std::vector<Pending> pending_;
};

}  // namespace terrace::config
