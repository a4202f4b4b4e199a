#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/config/scalar.hpp"

namespace terrace::config {

/// The range a number must lie in, ends included unless `exclusive` bars the lower one.
struct Limits {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool exclusive = false;
};

constexpr Limits kPositive{0, std::numeric_limits<double>::infinity(), true};
constexpr Limits kNotNegative{0, std::numeric_limits<double>::infinity(), false};
constexpr Limits kFraction{0, 1, false};
constexpr Limits at_least(double low) { return {low, std::numeric_limits<double>::infinity()}; }
constexpr Limits between(double low, double high) { return {low, high}; }

struct Node;

struct FieldInfo {
  std::string_view doc;  // one line: what it is, its scope, its source
  bool required = false;
  Limits limits;
  std::string_view entry{};  // of a catalogue: which one is meant if none is named
};

/// The fields of a struct, told to whoever asks: a reader of files, a writer, a schema maker.
///
/// A type becomes readable by one function, found by its argument:
///
///   void describe(config::Fields& f, LinkSpec& link) {
///     f.required("bandwidth", link.bandwidth, "payload rate in one direction", kPositive);
///     f.field("latency", link.latency, "before the first byte arrives");
///   }
///
/// It is the only table of the type's keys: the parser, the resolved scenario, `config explain`
/// and the JSON Schema all come from it. What a field holds beforehand is its default.
class Fields {
 public:
  virtual ~Fields() = default;

  /// A value with a default; a std::optional without one may be left out.
  template <class T>
  void field(std::string_view key, T& value, std::string_view doc, Limits limits = {}) {
    scalar(key, ScalarRef::to(value), {doc, false, limits});
  }

  /// A value that has to be given.
  template <class T>
  void required(std::string_view key, T& value, std::string_view doc, Limits limits = {}) {
    scalar(key, ScalarRef::to(value), {doc, true, limits});
  }

  /// A mapping of its own; `required` if it cannot be left out.
  template <class T>
  void object(std::string_view key, T& value, std::string_view doc, bool required = false) {
    if (!begin_object(key, {doc, required, {}})) return;
    describe(*this, value);
    end_object();
  }

  /// An optional mapping: engaged if it is given.
  template <class T>
  void object(std::string_view key, std::optional<T>& value, std::string_view doc) {
    if (!begin_optional(key, {doc, false, {}}, value.has_value())) return;
    if (!value) value.emplace();
    describe(*this, *value);
    end_object();
  }

  /// A mapping that is given in place, by the name of a file of the catalogue `kind` (a folder), or
  /// as `{use: NAME, key: override, ...}`; `usual` is the name that is meant if there is none.
  template <class T>
  void catalogued(std::string_view key, std::string_view kind, T& value, std::string_view doc) {
    if (!begin_catalogued(key, kind, {doc, true, {}}, true)) return;
    describe(*this, value);
    end_object();
  }

  template <class T>
  void catalogued(std::string_view key, std::string_view kind, std::optional<T>& value,
                  std::string_view doc, std::string_view usual = {}) {
    if (!begin_catalogued(key, kind, {doc, false, {}, usual}, value.has_value())) return;
    if (!value) value.emplace();
    describe(*this, *value);
    end_object();
  }

  /// A value that is kept as it stands in the text. `shapes` is what it may be, in the words of
  /// JSON Schema: "string", "integer or array"; anything if empty.
  void tree(std::string_view key, Node& value, std::string_view doc, std::string_view shapes,
            bool required = false) {
    as_written(key, value, shapes, {doc, required, {}});
  }

  /// Whether every field is asked for, also those that exclude each other: a schema maker does.
  [[nodiscard]] virtual bool wants_all() const { return false; }

  /// To whom wants_all(): a required field that another one may stand in for.
  virtual void may_be_missing(std::string_view) {}

  /// A list of mappings.
  template <class T>
  void list(std::string_view key, std::vector<T>& items, std::string_view doc,
            bool required = false) {
    const std::size_t size = begin_list(key, {doc, required, {}}, items.size());
    items.resize(size);
    for (std::size_t i = 0; i < size; ++i) {
      if (!begin_item(i)) continue;
      describe(*this, items[i]);
      end_object();
    }
    end_list();
  }

  /// A list of scalars.
  template <class T>
  void values(std::string_view key, std::vector<T>& items, std::string_view doc,
              bool required = false, Limits limits = {}) {
    const std::size_t size = begin_list(key, {doc, required, {}}, items.size());
    items.resize(size);
    for (std::size_t i = 0; i < size; ++i) item(i, ScalarRef::to(items[i]), {doc, true, limits});
    end_list();
  }

  /// Free names with a text each, such as where the numbers of a profile come from.
  virtual void text_map(std::string_view key, std::map<std::string, std::string>& texts,
                        std::string_view doc) = 0;

  /// A name out of a list that decides which further keys the mapping has: `body` tells those of
  /// the value it finds. A key of another alternative is thereby an error, not a knob without
  /// effect.
  template <class Named>
  void variant(std::string_view key, Named& which, std::string_view doc, FunctionRef<void()> body,
               bool required = false) {
    alternatives(key, ScalarRef::to(which), {doc, required, {}}, body);
  }

  /// The same for variants that are registered by name (see choice.hpp). The name may stand alone,
  /// in place of the mapping.
  template <class Choice>
  void choice(std::string_view key, Choice& choice, std::string_view doc) {
    if (!begin_choice(key, {doc, false, {}})) return;
    choice.tell(*this, doc);
    end_object();
  }

  /// Reports `message` at `key` unless `holds`; for what only the whole struct can tell.
  virtual void check(bool holds, std::string_view key, std::string_view message,
                     std::string_view hint = {}) = 0;

 private:
  virtual void scalar(std::string_view key, ScalarRef value, const FieldInfo& info) = 0;
  virtual void as_written(std::string_view key, Node& value, std::string_view shapes,
                          const FieldInfo& info) = 0;
  virtual void alternatives(std::string_view key, ScalarRef which, const FieldInfo& info,
                            FunctionRef<void()> body) = 0;
  // Whether to go into the mapping and tell its fields; if so, end_object() follows.
  virtual bool begin_object(std::string_view key, const FieldInfo& info) = 0;
  virtual bool begin_optional(std::string_view key, const FieldInfo& info, bool engaged) = 0;
  virtual bool begin_catalogued(std::string_view key, std::string_view kind, const FieldInfo& info,
                                bool engaged) = 0;
  virtual bool begin_choice(std::string_view key, const FieldInfo& info) = 0;
  virtual void end_object() = 0;
  // How many items to tell; each is a begin_item ... end_object or an item().
  virtual std::size_t begin_list(std::string_view key, const FieldInfo& info, std::size_t size) = 0;
  virtual bool begin_item(std::size_t index) = 0;
  virtual void item(std::size_t index, ScalarRef value, const FieldInfo& info) = 0;
  virtual void end_list() = 0;
};

}  // namespace terrace::config
