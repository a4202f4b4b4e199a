#include "sim/app/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/base/text.hpp"

namespace terrace::app {
namespace {

namespace po = boost::program_options;

po::options_description describe(const Verb& verb) {
  po::options_description table;
  for (const Option& option : verb.options) {
    const std::string name(option.name);
    if (option.value.empty()) {
      table.add_options()(name.c_str(), "");
    } else if (option.repeatable) {
      table.add_options()(name.c_str(), po::value<std::vector<std::string>>(), "");
    } else {
      table.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
  return table;
}

std::string what(const Positional& word) {
  return word.choices.empty() ? std::string(word.summary)
                              : fmt::format("{} {}", word.summary, fmt::join(word.choices, ", "));
}

std::string unknown(const std::string& typed, const Verb& verb) {
  std::vector<std::string> names = {"--help"};
  for (const Option& option : verb.options) names.push_back(fmt::format("--{}", option.name));
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto near = closest(typed, candidates);
  return near ? fmt::format("unknown option '{}'; did you mean '{}'?", typed, *near)
              : fmt::format("unknown option '{}'; see 'terrace {} --help'", typed, verb.name);
}

void check_choice(const Verb& verb, const Positional& wanted, std::string_view typed) {
  const auto& all = wanted.choices;
  if (wanted.words != Words::choice || std::find(all.begin(), all.end(), typed) != all.end())
    return;
  const auto near = closest(typed, all);
  throw UsageError(
      near ? fmt::format("'terrace {}' knows no '{}'; did you mean '{}'?", verb.name, typed, *near)
           : fmt::format("'terrace {}' knows no '{}'; {} is {}", verb.name, typed, wanted.name,
                         what(wanted)));
}

}  // namespace

Arguments::Arguments(const Verb& verb, std::vector<std::string> words) : words_(std::move(words)) {
  for (const Option& option : verb.options) options_[std::string(option.name)];
  parse(verb);
  for (const Option& option : verb.options) {
    if (option.words != Words::file && option.words != Words::directory) continue;
    for (const std::string& path : all(option.name)) {
      if (path.empty()) throw UsageError(fmt::format("--{}: an empty path", option.name));
    }
  }
  check_positionals(verb);
  words_.insert(words_.begin(), std::string(verb.name));
}

void Arguments::parse(const Verb& verb) {
  const po::options_description table = describe(verb);
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(words_).options(table).style(style).run();
    po::variables_map checked;
    po::store(parsed, checked);  // for what it throws: an option that was given twice
    for (const po::option& option : parsed.options) {
      if (option.string_key.empty()) {
        positionals_.push_back(option.value.front());
      } else {
        const std::string value = option.value.empty() ? std::string() : option.value.front();
        options_[option.string_key].push_back(value);
      }
    }
  } catch (const po::unknown_option& e) {
    throw UsageError(unknown(e.get_option_name(), verb));
  } catch (const po::error& e) {
    throw UsageError(fmt::format("{}; see 'terrace {} --help'", e.what(), verb.name));
  }
}

void Arguments::check_positionals(const Verb& verb) const {
  if (positionals_.size() > verb.positionals.size()) {
    throw UsageError(fmt::format("'{}' is one argument too many; see 'terrace {} --help'",
                                 positionals_[verb.positionals.size()], verb.name));
  }
  for (std::size_t i = 0; i < verb.positionals.size(); ++i) {
    const Positional& wanted = verb.positionals[i];
    if (i < positionals_.size()) {
      check_choice(verb, wanted, positionals_[i]);
    } else if (wanted.required) {
      throw UsageError(fmt::format("'terrace {}' needs {}: {}; see 'terrace {} --help'", verb.name,
                                   wanted.name, what(wanted), verb.name));
    }
  }
}

const std::vector<std::string>& Arguments::all(std::string_view option) const {
  const auto found = options_.find(option);
  TERRACE_CHECK(found != options_.end());
  return found->second;
}

std::optional<std::string> Arguments::value(std::string_view option) const {
  const std::vector<std::string>& values = all(option);
  if (values.empty()) return std::nullopt;
  return values.front();
}

void Arguments::check_exclusive(
    std::span<const std::pair<std::string_view, std::string_view>> pairs) const {
  for (const auto& [a, b] : pairs) {
    if (has(a) && has(b)) {
      throw UsageError(fmt::format("--{} and --{} exclude each other", a, b));
    }
  }
}

std::optional<std::int64_t> Arguments::number(std::string_view option) const {
  const auto text = value(option);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || stop != text->data() + text->size()) {
    throw UsageError(fmt::format("--{} takes a whole number below 2^63, not '{}'", option, *text));
  }
  return number;
}

std::int64_t Arguments::count(std::string_view option, std::int64_t otherwise,
                              std::int64_t most) const {
  const std::int64_t n = number(option).value_or(otherwise);
  if (n >= 1 && n <= most) return n;
  throw UsageError(fmt::format("--{} takes a number from 1 to {}, not {}", option, most, n));
}

std::optional<std::string> Arguments::positional(std::size_t index) const {
  if (index >= positionals_.size()) return std::nullopt;
  return positionals_[index];
}

}  // namespace terrace::app
