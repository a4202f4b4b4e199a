#pragma once

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/app/program.hpp"

namespace terrace::testing {

/// A workplace whose lock is its own, so that nobody's calibration is in the way.
class Desk : public Workplace {
 public:
  [[nodiscard]] pid_t begin(const std::string& line) const {
    std::vector<std::string> words = {"TERRACE_LOCK_DIR=" + at("").string(), TERRACE_PROGRAM,
                                      "calibrate"};
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    return start("/usr/bin/env", words);
  }
  [[nodiscard]] Outcome calibrate(const std::string& line) const { return finish(begin(line)); }

  /// Comes back when a journal has so many lines, or after a minute.
  void wait_for_lines(const std::string& name, std::size_t lines) const {
    for (int waits = 0; waits < 60'000; ++waits) {
      const std::string text = read_file(at(name));
      if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines) return;
      poll(nullptr, 0, 1);
    }
  }
};

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace terrace::testing
