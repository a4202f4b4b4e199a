#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/verb.hpp"
#include "sim/base/text.hpp"
#include "sim/config/scalar.hpp"

namespace terrace::app {

/// The words after the verb, sorted by what they are.
class Arguments {
 public:
  /// Throws UsageError, with the nearest option if one is misspelled.
  Arguments(const Verb& verb, std::vector<std::string> words);

  [[nodiscard]] bool has(std::string_view option) const { return !all(option).empty(); }
  [[nodiscard]] std::optional<std::string> value(std::string_view option) const;
  [[nodiscard]] const std::vector<std::string>& all(std::string_view option) const;

  /// Throws UsageError if two options are there of which one would silently do nothing.
  void check_exclusive(std::span<const std::pair<std::string_view, std::string_view>> pairs) const;

  /// Throws UsageError if it is not a whole number.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view option) const;

  /// A number from 1 to `most`, `otherwise` if it is not there. Throws UsageError.
  [[nodiscard]] std::int64_t count(std::string_view option, std::int64_t otherwise,
                                   std::int64_t most) const;

  /// The positional of that index, or nothing.
  [[nodiscard]] std::optional<std::string> positional(std::size_t index) const;

  /// The command line from the verb on, as it was typed.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

 private:
  void parse(const Verb& verb);
  void check_positionals(const Verb& verb) const;

  std::vector<std::string> words_;  // the verb first
  std::vector<std::string> positionals_;
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
};

/// What a name out of a list stands for, such as the type of a KV cache. Throws UsageError with the
/// list, and the nearest name; `option` is what the text was given for.
template <config::NamedEnum E>
E parse_name(std::string_view option, const std::string& text) {
  if (const auto parsed = config::Scalar<E>::parse(text).value) return *parsed;
  std::vector<std::string_view> names;
  for (const auto& [name, value] : config::Names<E>::kList) names.push_back(name);
  const auto near = closest(text, names);
  throw UsageError(fmt::format("--{} is one of {}, not '{}'{}", option, fmt::join(names, ", "),
                               text, near ? fmt::format("; did you mean {}?", *near) : ""));
}

/// A value of a dimensioned or plain type, such as a price. Throws UsageError that says how one is
/// written.
template <class T>
T parse_value(std::string_view option, const std::string& text) {
  auto parsed = config::Scalar<T>::parse(text);
  if (parsed.value) return *std::move(parsed.value);
  throw UsageError(fmt::format("--{} takes {}, not '{}': {}", option, config::Scalar<T>::kForm,
                               text, parsed.why));
}

}  // namespace terrace::app
