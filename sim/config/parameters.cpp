#include "sim/config/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace terrace::config {
namespace {

std::string range(const Limits& limits) {
  const bool low = std::isfinite(limits.low);
  const bool high = std::isfinite(limits.high);
  const std::string from =
      limits.exclusive ? fmt::format("above {}", limits.low) : fmt::format("from {}", limits.low);
  if (low && high) return fmt::format(" {} to {}", from, limits.high);
  if (high) return fmt::format(" up to {}", limits.high);
  if (low) return limits.exclusive ? " " + from : fmt::format(" of at least {}", limits.low);
  return {};
}

std::string what_it_takes(const ScalarRef& value, const Limits& limits) {
  if (!value.names().empty()) return fmt::format("one of {}", fmt::join(value.names(), ", "));
  const std::string form(value.form());
  const auto example = std::min(form.find(','), form.size());
  return form.substr(0, example) + range(limits) + form.substr(example);
}

}  // namespace

void ParameterList::add(std::string_view key, std::string takes, std::string value,
                        const FieldInfo& info) {
  std::string name;
  for (const std::string& part : path_) name += part;
  name += key;
  const auto known = std::find_if(all_.begin(), all_.end(),
                                  [&](const Parameter& other) { return other.key == name; });
  if (known != all_.end()) {  // of several alternatives
    if (!known->only_with.empty()) known->only_with.push_back(when_);
    return;
  }
  Parameter parameter{std::move(name),       std::move(takes), std::move(value),
                      std::string(info.doc), info.required,    {}};
  if (!when_.empty()) parameter.only_with.push_back(when_);
  all_.push_back(std::move(parameter));
}

void ParameterList::scalar(std::string_view key, ScalarRef value, const FieldInfo& info) {
  add(key, what_it_takes(value, info.limits), info.required ? std::string() : value.format(), info);
}

void ParameterList::as_written(std::string_view key, Node&, std::string_view shapes,
                               const FieldInfo& info) {
  add(key, std::string(shapes), {}, info);
}

void ParameterList::text_map(std::string_view key, std::map<std::string, std::string>&,
                             std::string_view doc) {
  add(key, "names with a text each", {}, {doc, false, {}});
}

void ParameterList::alternatives(std::string_view key, ScalarRef which, const FieldInfo& info,
                                 FunctionRef<void()> body) {
  if (key == given_ && path_.empty()) {
    body();
    return;
  }
  scalar(key, which, info);
  const std::string chosen = which.format();
  const std::string outside = when_;
  for (const std::string_view name : which.names()) {
    static_cast<void>(which.parse(name));
    when_ = fmt::format("{}{}: {}", outside.empty() ? "" : outside + ", ", key, name);
    body();
  }
  static_cast<void>(which.parse(chosen));
  when_ = outside;
}

bool ParameterList::begin_object(std::string_view key, const FieldInfo&) {
  path_.push_back(key.empty() ? std::string() : fmt::format("{}.", key));
  return true;
}

bool ParameterList::begin_optional(std::string_view key, const FieldInfo& info, bool) {
  return begin_object(key, info);
}

bool ParameterList::begin_catalogued(std::string_view key, std::string_view kind,
                                     const FieldInfo& info, bool) {
  add(key, fmt::format("an entry of {}, or a mapping", kind), {}, info);
  return false;
}

bool ParameterList::begin_choice(std::string_view key, const FieldInfo& info) {
  return begin_object(key, info);
}

void ParameterList::end_object() { path_.pop_back(); }

std::size_t ParameterList::begin_list(std::string_view key, const FieldInfo& info, std::size_t) {
  add(key, "a list", {}, info);
  return 0;  // its items have keys of their own, which are not those of the whole
}

bool ParameterList::begin_item(std::size_t) { return false; }

void ParameterList::item(std::size_t, ScalarRef, const FieldInfo&) {}

}  // namespace terrace::config
