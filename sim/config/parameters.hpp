#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/fields.hpp"

namespace terrace::config {

/// One key that can be written, for people.
struct Parameter {
  std::string key;
  std::string takes;  // "a whole number from 1 to 100", "one of lru, fifo"
  std::string value;  // its default, as it would be written; empty if it has none
  std::string doc;
  bool required = false;
  std::vector<std::string> only_with;  // "stop: timeout", any of them; empty: always
};

/// Lists the keys that a struct has, also those that only some value of another key brings with it.
class ParameterList final : public Fields {
 public:
  /// `given` is a key whose value is settled: it is not listed, and what it excludes is not either.
  explicit ParameterList(std::string_view given = {}) : given_(given) {}

  [[nodiscard]] const std::vector<Parameter>& all() const { return all_; }

  void check(bool, std::string_view, std::string_view, std::string_view) override {}
  void text_map(std::string_view key, std::map<std::string, std::string>& texts,
                std::string_view doc) override;

 private:
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
  void end_list() override {}

  void add(std::string_view key, std::string takes, std::string value, const FieldInfo& info);

  std::string given_;
  std::string when_;               // the alternative being told
  std::vector<std::string> path_;  // of the mappings being told, each with its dot
  std::vector<Parameter> all_;
};

}  // namespace terrace::config
