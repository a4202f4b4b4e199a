#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/scalar.hpp"
#include "sim/cost/forms/form.hpp"

namespace terrace {

namespace forms {

/// A form as profiles know it: its name, and the parameters a fit of it has.
struct FormInfo {
  std::string_view name;
  std::span<const Parameter> parameters;
  bool (*concerns)(std::string_view parameter, DType dtype);
  bool of_processor;
};

/// Every form that a profile may hold.
std::span<const FormInfo> all();

/// The form of that name. REQUIRES: there is one.
const FormInfo& find(std::string_view name);

/// The name of a form, checked when it is read.
struct FormName {
  std::string text;
  friend bool operator==(const FormName&, const FormName&) = default;
};

}  // namespace forms

template <>
struct config::Scalar<forms::FormName> {
  static constexpr std::string_view kForm = "a name";
  static constexpr std::string_view kKind = "form of a kernel's time";
  static constexpr std::string_view kJsonType = "string";
  static std::vector<std::string_view> names();
  static Parsed<forms::FormName> parse(std::string_view text);
  static std::string format(const forms::FormName& value) { return value.text; }
  static double magnitude(const forms::FormName&) { return 0; }
};

}  // namespace terrace
