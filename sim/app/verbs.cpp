#include <vector>

#include <fmt/format.h>

#include "sim/app/verb.hpp"
#include "sim/base/text.hpp"

namespace terrace::app {

std::span<const Verb* const> verbs() {
  static constexpr const Verb* kVerbs[] = {
      &kRun,       &kSweep,     &kPlan,     &kCapacity,  &kCliff,      &kMrc,     &kFootprint,
      &kBreakEven, &kEndurance, &kValidate, &kCalibrate, &kConfig,     &kExplain, &kList,
      &kModel,     &kHw,        &kSchema,   &kDoctor,    &kCompletion, &kVersion, &kHelp};
  return kVerbs;
}

const Verb& find_verb(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Verb* verb : verbs()) {
    if (verb->name == name) return *verb;
    names.push_back(verb->name);
  }
  const auto near = closest(name, names);
  throw UsageError(
      near ? fmt::format("there is no verb '{}'; did you mean '{}'?", name, *near)
           : fmt::format("there is no verb '{}'; there are: {}", name, fmt::join(names, ", ")));
}

}  // namespace terrace::app
