#include "calibrate/fitting/assignments.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<std::pair<std::string_view, std::string_view>> assignments(std::string_view option,
                                                                       std::string_view text) {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view one = text.substr(begin, end - begin);
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos) {
      throw app::UsageError(fmt::format("--{} takes NAME=VALUE, several with commas, not '{}'",
                                        option, escape_controls(one)));
    }
    all.emplace_back(trimmed(one.substr(0, equals)), trimmed(one.substr(equals + 1)));
    begin = end + 1;
  }
  return all;
}

}  // namespace terrace::calibrate
