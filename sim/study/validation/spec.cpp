#include "sim/study/validation/spec.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/scenario/locate.hpp"

namespace terrace {

namespace fs = std::filesystem;
using config::Diagnostics;
using config::Node;

void describe(config::Fields& f, MeasuredSpec& measured) {
  f.tree("path", measured.path, "the file, beside this one or in --data DIR", "string", true);
  f.field("format", measured.format, "how it is written; auto looks at its beginning");
}

void describe(config::Fields& f, ValidationSpec& validation) {
  f.field("name", validation.name, "what results call it; the name of the file if left out");
  f.tree("scenario", validation.scenario,
         "a file, beside this one, or a name of the catalogue; its workload gives way to the "
         "measured requests",
         "string", true);
  f.tree("set", validation.set, "values laid over it, by key, as in {serving.replicas: 2}",
         "object");
  f.object("measured", validation.measured, "the run that really happened", true);
  f.field("notes", validation.notes, "what to know about the run");
  f.field("attribution", validation.attribution, "whose measurement it is, and its licence");
  f.field("estimated_on", validation.estimated_on,
          "which run the parameters of the platform were estimated on: errors on that one are no "
          "test");
}

namespace {

/// Where the measured run lies; what is wrong with its place goes to `diagnostics`.
std::string measured_path(const Node& node, const std::string& file,
                          const std::optional<std::string>& data, Diagnostics& diagnostics) {
  const fs::path folder = data ? fs::path(*data) : fs::path(file).parent_path();
  const fs::path path = folder / node.text;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    diagnostics.error(node.place, fmt::format("{} is a directory", path.string()));
  } else if (!fs::exists(path, ignored)) {
    diagnostics.error(
        node.place, fmt::format("there is no such measured run: {}", path.string()),
        data ? "is --data the right folder?" : "if it lies elsewhere, say --data DIR");
  }
  return path.string();
}

/// Refuses what the measured requests would override.
void check_key(std::string_view key, const config::Place& place, Diagnostics& diagnostics) {
  if (key == "workload" || key.starts_with("workload.")) {
    diagnostics.error(place,
                      fmt::format("'{}' has no effect: the requests are the measured ones", key),
                      "remove it");
  }
}

/// The scenario file with all that is laid over it.
Node scenario_tree(const std::string& path, const Node& set, const std::vector<std::string>& sets,
                   const std::string& measured, Diagnostics& diagnostics) {
  Node root = config::parse_yaml(path, config::read_text_file(path), diagnostics);
  std::erase_if(root.members, [](const Node::Member& m) { return m.key == "workload"; });
  for (const Node::Member& member : set.members) {
    check_key(member.key, member.place, diagnostics);
    config::apply_override(root, member.key, member.value, member.place, diagnostics);
  }
  for (const std::string& assignment : sets) {
    const config::Place place{&diagnostics.add_source("--set " + assignment, ""), 1, 1, 1};
    check_key(std::string_view(assignment).substr(0, assignment.find('=')), place, diagnostics);
    config::apply_override(root, assignment, diagnostics);
  }
  // Open-loop requests that are known beforehand, as policies that see the future want to know.
  if (diagnostics.ok()) {
    config::apply_text_override(root, "workload.trace.path", measured, diagnostics);
  }
  return root;
}

}  // namespace

Validation load_validation(const std::string& path, const config::Catalogue& catalogue,
                           const ValidationOverrides& overrides) {
  Diagnostics diagnostics;
  const Node root = config::parse_yaml(path, config::read_text_file(path), diagnostics);
  diagnostics.raise();
  ValidationSpec spec;
  config::Reader(root, "the validation", catalogue, diagnostics).read(spec);
  diagnostics.raise();

  Validation v;
  v.name = spec.name.value_or(fs::path(path).stem().string());
  v.notes = spec.notes.value_or("");
  v.attribution = spec.attribution.value_or("");
  v.estimated_on = spec.estimated_on.value_or("");
  v.measured_path = measured_path(spec.measured.path, path, overrides.data, diagnostics);
  const auto located =
      locate(kScenarioFile, spec.scenario.text, fs::path(path).parent_path(), catalogue);
  if (!located.path) diagnostics.error(spec.scenario.place, located.why, located.hint);
  diagnostics.raise();

  const Node tree =
      scenario_tree(*located.path, spec.set, overrides.sets, v.measured_path, diagnostics);
  diagnostics.raise();
  v.scenario = read_scenario(*located.path, tree, catalogue, diagnostics).scenario;
  diagnostics.raise();
  // Layer profiles lie with the measured runs.
  if (std::string& profile = v.scenario.serving.cost.profile; overrides.data && !profile.empty()) {
    profile = (fs::path(*overrides.data) / profile).string();
  }
  v.measured = read_measured_run(trace_file(v.measured_path), spec.measured.format);
  return v;
}

}  // namespace terrace
