#pragma once

#include <string>
#include <string_view>

namespace terrace::app {

/// Whether `terrace list KIND NAME` can tell the parameters of one: eviction, admission, prefetch.
bool lists_parameters(std::string_view kind);

/// What a policy is, what it needs to know, and its parameters. Throws UsageError if there is no
/// such policy. REQUIRES: lists_parameters(kind).
std::string policy_text(std::string_view kind, const std::string& name);

}  // namespace terrace::app
