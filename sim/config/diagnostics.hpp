#pragma once

#include <cstddef>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace terrace::config {

/// The user's input cannot be simulated; what() says where, why, and what was probably meant.
class ConfigError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A text that was read: a file, or an override given on the command line.
struct Source {
  std::string name;
  std::vector<std::string> lines;
};

/// A place in a source, as editors count: from one. Without a source it is nowhere.
struct Place {
  const Source* source = nullptr;
  int line = 1;
  int column = 1;
  std::size_t width = 1;
};

/// "scenario.yaml:3:15", or "default" for nowhere.
std::string to_string(const Place& place);

/// Owns what was read and collects every mistake in it, so that users fix them in one go.
class Diagnostics {
 public:
  const Source& add_source(std::string name, std::string_view text);

  struct Error {
    Place place;
    std::string message;
    std::string hint;
  };

  void error(Place place, std::string message, std::string hint = {});

  [[nodiscard]] bool ok() const { return errors_.empty(); }
  [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }
  [[nodiscard]] std::size_t count() const { return errors_.size(); }

  /// Every mistake, in the order of the text, in the form of a compiler's messages.
  [[nodiscard]] std::string render() const;

  /// Throws ConfigError if anything was reported.
  void raise() const;

 private:
  std::deque<Source> sources_;  // a deque: places point into it
  std::vector<Error> errors_;
};

}  // namespace terrace::config
