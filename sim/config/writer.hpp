#pragma once

#include <string>

#include "sim/config/fields.hpp"
#include "sim/config/node.hpp"

namespace terrace::config {

/// The text in double quotes, as YAML reads it back.
std::string quoted(std::string_view text);

/// Writes structs as YAML that reads back to the same structs: every value spelled out, whether it
/// was given or a default, and catalogue entries in place.
class Writer final : public Fields {
 public:
  template <class T>
  std::string write(T& value) {
    describe(*this, value);
    return std::move(out_);
  }

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
  void end_list() override;

  void line(std::string_view text);

  std::string out_;
  std::size_t depth_ = 0;
  bool dash_ = false;  // the next line begins an item of a list
};

}  // namespace terrace::config
