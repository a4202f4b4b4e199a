#include "calibrate/measuring/json_outline.hpp"

#include <algorithm>

namespace terrace::calibrate {

JsonOutline::JsonOutline(std::string_view text) {
  int line = 1;
  int depth = 0;
  std::string_view key;
  for (std::size_t i = 0; i < text.size() && !is_too_deep(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
    } else if (c == '"') {
      const std::size_t begin = ++i;
      while (i < text.size() && text[i] != '"') {
        line += text[i] == '\n' ? 1 : 0;
        if (text[i] == '\\') ++i;  // what follows is of the text
        ++i;
      }
      if (depth == 1) key = text.substr(begin, std::min(i, text.size()) - begin);
    } else if (c == '[' || c == '{') {
      if (depth == 2 && c == '{') lines_[std::string(key)].push_back(line);
      deepest_ = std::max(deepest_, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

int JsonOutline::line(const std::string& list, std::size_t mapping) const {
  const auto found = lines_.find(list);
  return found != lines_.end() && mapping < found->second.size() ? found->second[mapping] : 1;
}

}  // namespace terrace::calibrate
