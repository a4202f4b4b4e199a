#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"

namespace terrace::config {

/// A value read from text, or why the text is not one: "'80' lacks a unit".
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string why;
};

constexpr double as_real(Duration d) { return static_cast<double>(d.count()); }
template <class Dimension, class Rep>
constexpr double as_real(Quantity<Dimension, Rep> q) {
  return static_cast<double>(q.count());
}

/// How a T is written in a file:
///   kForm      what a reader is told to write, such as "a size with its unit, such as '80 GiB'"
///   kJsonType  its type in JSON Schema
///   parse      text -> T
///   format     T -> text that parses to the same T
///   magnitude  the number that limits apply to, in base units
/// and, if it is one of a list of names known at run time, such as registered policies:
///   kKind, names()
template <class T>
struct Scalar;

/// The names of an enum's values in files; specialise to make an enum readable:
///   kKind  what it is, as in "no eviction policy is called ..."
///   kList  an array of {name, value}
template <class E>
struct Names;

template <>
struct Scalar<std::string> {
  static constexpr std::string_view kForm = "text";
  static constexpr std::string_view kJsonType = "string";
  static Parsed<std::string> parse(std::string_view text) { return {std::string(text), {}}; }
  static std::string format(const std::string& value) { return value; }
  static double magnitude(const std::string&) { return 0; }
};

template <>
struct Scalar<bool> {
  static constexpr std::string_view kForm = "true or false";
  static constexpr std::string_view kJsonType = "boolean";
  static Parsed<bool> parse(std::string_view text);
  static std::string format(bool value) { return value ? "true" : "false"; }
  static double magnitude(bool) { return 0; }
};

template <>
struct Scalar<std::int64_t> {
  static constexpr std::string_view kForm = "a whole number";
  static constexpr std::string_view kJsonType = "integer";
  static Parsed<std::int64_t> parse(std::string_view text);
  static std::string format(std::int64_t value) { return std::to_string(value); }
  static double magnitude(std::int64_t value) { return static_cast<double>(value); }
};

template <>
struct Scalar<double> {
  static constexpr std::string_view kForm = "a number";
  static constexpr std::string_view kJsonType = "number";
  static Parsed<double> parse(std::string_view text);
  static std::string format(double value);
  static double magnitude(double value) { return value; }
};

template <>
struct Scalar<Tokens> {
  static constexpr std::string_view kForm = "a whole number of tokens";
  static constexpr std::string_view kJsonType = "integer";
  static Parsed<Tokens> parse(std::string_view text);
  static std::string format(Tokens value) { return std::to_string(value.count()); }
  static double magnitude(Tokens value) { return static_cast<double>(value.count()); }
};

/// What all dimensioned quantities share: a number and a unit, never a bare number.
#define TERRACE_QUANTITY_SCALAR(Type, form)                        \
  template <>                                                      \
  struct Scalar<Type> {                                            \
    static constexpr std::string_view kForm = form;                \
    static constexpr std::string_view kJsonType = "string";        \
    static Parsed<Type> parse(std::string_view text);              \
    static std::string format(Type value);                         \
    static double magnitude(Type value) { return as_real(value); } \
  }

TERRACE_QUANTITY_SCALAR(Bytes, "a size with its unit, such as '80 GiB'");
TERRACE_QUANTITY_SCALAR(Bandwidth, "a rate with its unit, such as '64 GB/s'");
TERRACE_QUANTITY_SCALAR(FlopRate, "a compute rate with its unit, such as '989 TFLOP/s'");
TERRACE_QUANTITY_SCALAR(Frequency, "a frequency with its unit, such as '20 /s'");
TERRACE_QUANTITY_SCALAR(Duration, "a time with its unit, such as '1.5 us'");
TERRACE_QUANTITY_SCALAR(Power, "a power with its unit, such as '700 W'");
TERRACE_QUANTITY_SCALAR(Dollars, "a price in US dollars, such as '35000 USD'");
TERRACE_QUANTITY_SCALAR(DollarsPerHour, "a price per hour, such as '3.8 USD/h'");
TERRACE_QUANTITY_SCALAR(DollarsPerTB, "a price per size, such as '357 USD/TB'");
TERRACE_QUANTITY_SCALAR(DollarsPerKWh, "a price of electricity, such as '0.1 USD/kWh'");
TERRACE_QUANTITY_SCALAR(Years, "a span of years, such as '4 years' or '18 months'");

#undef TERRACE_QUANTITY_SCALAR

/// A size that may also be `unlimited` (Bytes::max()); 0 switches its owner off.
struct Capacity {
  Bytes bytes;

  [[nodiscard]] bool unlimited() const { return bytes == Bytes::max(); }
  friend bool operator==(const Capacity&, const Capacity&) = default;
};

template <>
struct Scalar<Capacity> {
  static constexpr std::string_view kForm =
      "a size with its unit, such as '80 GiB', 0, or unlimited";
  static constexpr std::string_view kJsonType = "string or integer";
  static Parsed<Capacity> parse(std::string_view text);
  static std::string format(const Capacity& value);
  static double magnitude(const Capacity& value) {
    return static_cast<double>(value.bytes.count());
  }
};

/// A scalar of any type, for code that does not know the type: readers, writers, schemas.
class ScalarRef {
 public:
  template <class T>
  static ScalarRef to(T& value) {
    return ScalarRef(&value, operations<T>());
  }

  /// What is wrong with the text, or nothing after storing what it says.
  [[nodiscard]] std::optional<std::string> parse(std::string_view text) const {
    return ops_->parse(value_, text);
  }
  [[nodiscard]] bool present() const { return ops_->present(value_); }
  [[nodiscard]] std::string format() const { return ops_->format(value_); }
  [[nodiscard]] double magnitude() const { return ops_->magnitude(value_); }
  [[nodiscard]] std::string_view form() const { return ops_->form; }
  [[nodiscard]] std::string_view json_type() const { return ops_->json_type; }

  /// Of a choice: what it is called and the names to choose from. Empty for anything else.
  [[nodiscard]] std::string_view kind() const { return ops_->kind; }
  [[nodiscard]] const std::vector<std::string_view>& names() const { return ops_->names; }
  [[nodiscard]] bool is_text() const { return ops_->is_text; }

 private:
  struct Operations {
    std::optional<std::string> (*parse)(void*, std::string_view);
    bool (*present)(const void*);
    std::string (*format)(const void*);
    double (*magnitude)(const void*);
    std::string_view form;
    std::string_view json_type;
    std::string_view kind;
    std::vector<std::string_view> names;
    bool is_text = false;
  };

  ScalarRef(void* value, const Operations& ops) : value_(value), ops_(&ops) {}

  template <class T>
  static const Operations& operations();

  void* value_;
  const Operations* ops_;
};

template <class T>
concept NamedEnum = std::is_enum_v<T>;

template <NamedEnum E>
struct Scalar<E> {
  static constexpr std::string_view kForm = "one of a list of names";
  static constexpr std::string_view kJsonType = "string";
  static Parsed<E> parse(std::string_view text) {
    for (const auto& [name, value] : Names<E>::kList) {
      if (name == text) return {value, {}};
    }
    return {std::nullopt, {}};
  }
  static std::string format(E wanted) {
    for (const auto& [name, value] : Names<E>::kList) {
      if (value == wanted) return std::string(name);
    }
    return {};
  }
  static double magnitude(E) { return 0; }
};

namespace detail {

template <class T>
struct Optional {
  using Inner = T;
  static constexpr bool kIs = false;
};
template <class T>
struct Optional<std::optional<T>> {
  using Inner = T;
  static constexpr bool kIs = true;
};

}  // namespace detail

template <class T>
const ScalarRef::Operations& ScalarRef::operations() {
  using Inner = typename detail::Optional<T>::Inner;
  static const Operations table = [] {
    Operations ops{[](void* value, std::string_view text) -> std::optional<std::string> {
                     Parsed<Inner> parsed = Scalar<Inner>::parse(text);
                     if (!parsed.value) return std::move(parsed.why);
                     *static_cast<T*>(value) = *std::move(parsed.value);
                     return std::nullopt;
                   },
                   [](const void* value) {
                     if constexpr (detail::Optional<T>::kIs) {
                       return static_cast<const T*>(value)->has_value();
                     } else {
                       return value != nullptr;
                     }
                   },
                   [](const void* value) {
                     if constexpr (detail::Optional<T>::kIs) {
                       const T& held = *static_cast<const T*>(value);
                       return held ? Scalar<Inner>::format(*held) : std::string();
                     } else {
                       return Scalar<Inner>::format(*static_cast<const T*>(value));
                     }
                   },
                   [](const void* value) {
                     if constexpr (detail::Optional<T>::kIs) {
                       const T& held = *static_cast<const T*>(value);
                       return held ? Scalar<Inner>::magnitude(*held) : 0.0;
                     } else {
                       return Scalar<Inner>::magnitude(*static_cast<const T*>(value));
                     }
                   },
                   Scalar<Inner>::kForm,
                   Scalar<Inner>::kJsonType,
                   {},
                   {},
                   std::is_same_v<Inner, std::string>};
    if constexpr (NamedEnum<Inner>) {
      ops.kind = Names<Inner>::kKind;
      for (const auto& [name, value] : Names<Inner>::kList) ops.names.push_back(name);
    } else if constexpr (requires { Scalar<Inner>::names(); }) {
      ops.kind = Scalar<Inner>::kKind;
      ops.names = Scalar<Inner>::names();
    }
    return ops;
  }();
  return table;
}

}  // namespace terrace::config
