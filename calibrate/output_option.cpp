#include "calibrate/output_option.hpp"

#include <system_error>

#include <fmt/format.h>

#include "sim/report/output_file.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code missing;  // what is not there is no other
  return fs::equivalent(a, b, missing);
}

}  // namespace

std::optional<fs::path> output_option(const app::Arguments& arguments, std::string_view option,
                                      std::string_view suffix, std::span<const fs::path> inputs) {
  const auto text = arguments.value(option);
  if (!text) return std::nullopt;
  const fs::path path(*text);
  std::error_code missing;
  const bool other = fs::exists(path, missing) && !fs::is_regular_file(path, missing);
  if (!other && !text->ends_with(suffix)) {
    throw app::UsageError(
        fmt::format("--{} takes a name that ends in {}, not '{}'", option, suffix, *text));
  }
  for (const fs::path& input : inputs) {
    if (!same_file(path, input)) continue;
    throw app::UsageError(fmt::format("--{} would replace what is read: '{}' is {}", option, *text,
                                      input == path ? "an input" : input.string()));
  }
  check_replaceable(path);
  return path;
}

}  // namespace terrace::calibrate
