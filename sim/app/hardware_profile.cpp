#include "sim/app/hardware_profile.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "sim/app/drive_offers.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/app/hardware_derived.hpp"
#include "sim/app/value_sources.hpp"
#include "sim/base/check.hpp"
#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/scenario/locate.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::app {
namespace {

constexpr std::array<std::string_view, 5> kKinds{"gpus", "hosts", "ssds", "networks", "machines"};

/// What is shown another way, or is not a figure.
bool is_shown_elsewhere(std::string_view path) {
  return path == "name" || path.starts_with("sources.") || path.starts_with("capacities[") ||
         path.starts_with("by_capacity[");
}

std::string text_or_nothing(const std::string* text) { return text != nullptr ? *text : ""; }

/// The source of what the profile says of the capacity that `ssd` has.
std::string source_by_capacity(const SsdSpec& ssd) {
  const auto at = variant_of(ssd);
  if (!at) return {};
  return text_or_nothing(source_of(ssd.sources, fmt::format("by_capacity[{}]", *at)));
}

/// The source of a value that the profile leaves to its default.
template <class Spec>
std::string source_of_default(const Spec& spec, const std::string& path) {
  if constexpr (std::is_same_v<Spec, SsdSpec>) {
    if (path.ends_with(".bandwidth") || path.ends_with(".iops")) return source_by_capacity(spec);
  }
  return {};
}

std::vector<SoldCapacity> sold_capacities(const config::Node& root, const SsdSpec& ssd) {
  if (ssd.capacities.empty()) return {};
  std::vector<SoldCapacity> all;
  for (const SsdSpec& sold : in_every_capacity(root)) {
    all.push_back({config::Scalar<Bytes>::format(sold.capacity), by_capacity(sold),
                   source_by_capacity(sold)});
  }
  return all;
}

template <class Spec>
void load(HardwareProfile& profile) {
  config::Diagnostics diagnostics;
  const config::Node root =
      config::parse_yaml(profile.file, config::read_text_file(profile.file), diagnostics);
  diagnostics.raise();
  Spec spec;
  const config::Catalogue none;
  config::Reader reader(root, profile.file, none, diagnostics);
  reader.read(spec);
  diagnostics.raise();

  profile.title = spec.name;
  profile.highlights = highlights(spec);
  profile.derived = derived(spec);
  for (const config::Resolved& value : reader.resolved()) {
    if (is_shown_elsewhere(value.path)) continue;
    const bool left_out = value.origin == "default";
    std::string source = left_out ? source_of_default(spec, value.path)
                                  : text_or_nothing(source_of(spec.sources, value.path));
    if (left_out && source.empty()) continue;
    profile.figures.push_back({value.path, value.value, value.doc, std::move(source)});
  }
  if constexpr (std::is_same_v<Spec, SsdSpec>) profile.capacities = sold_capacities(root, spec);
}

/// A machine has no sources of its own: its parts have.
void load_machine(HardwareProfile& profile, const config::Catalogue& catalogue) {
  config::Diagnostics diagnostics;
  const config::Node root =
      config::parse_yaml(profile.file, config::read_text_file(profile.file), diagnostics);
  diagnostics.raise();
  HardwareSpec machine;
  config::Reader reader(root, profile.file, catalogue, diagnostics);
  reader.read(machine);
  diagnostics.raise();

  profile.title = machine.gpu.name;
  profile.highlights = highlights(machine);
  profile.derived = derived(machine);
  const ValueSources sources(reader.resolved());
  for (const config::Resolved& value : reader.resolved()) {
    const bool list = value.path.starts_with("kernels.fits[") ||  // 'calibrate report' shows those
                      value.path.starts_with("ssd.capacities[") ||
                      value.path.starts_with("ssd.by_capacity[");
    if (list || ValueSources::is_one(value) || value.origin == "default") continue;
    profile.figures.push_back({value.path, value.value, value.doc, std::string(sources.of(value))});
  }
}

struct Place {
  std::string_view kind;
  std::string folder;
};

std::vector<Place> places() {
  std::vector<Place> all;
  for (const CatalogueKind& kind : catalogue_kinds()) {
    if (is_hardware(kind.name)) all.push_back({kind.name, std::string(kind.folder)});
  }
  return all;
}

/// The names that begin with `typed`, or contain it; failing that, the one spelt most like it.
std::vector<std::string_view> nearest(const std::vector<std::string>& names,
                                      const std::string& typed) {
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  std::vector<std::string_view> several = longer(typed, candidates);
  if (!several.empty()) return several;
  const auto near = closest(typed, candidates);
  return near ? std::vector{*near} : several;
}

[[noreturn]] void unknown(const config::Catalogue& catalogue, const std::string& typed) {
  std::vector<std::string> names;
  for (const Place& place : places()) {
    for (std::string& name : catalogue.names(place.folder)) names.push_back(std::move(name));
  }
  const std::vector<std::string_view> near = nearest(names, typed);
  throw UsageError(
      near.empty() ? fmt::format("no hardware is called '{}'; 'terrace list' tells the names of {}",
                                 typed, fmt::join(kKinds, ", "))
                   : fmt::format("no hardware is called '{}'; did you mean {}?", typed,
                                 fmt::join(near, " or ")));
}

}  // namespace

bool is_hardware(std::string_view kind) {
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

HardwareProfile find_hardware(const config::Catalogue& catalogue, const std::string& name) {
  const auto slash = name.find('/');
  const std::string only = slash == std::string::npos ? "" : name.substr(0, slash);
  const std::string stem = slash == std::string::npos ? name : name.substr(slash + 1);
  std::vector<std::pair<std::string, std::string>> found;  // kind, file
  for (const Place& place : places()) {
    if (!only.empty() && only != place.kind) continue;
    const std::vector<std::string> names = catalogue.names(place.folder);
    if (std::find(names.begin(), names.end(), stem) == names.end()) continue;
    if (const auto file = catalogue.find(place.folder, stem)) {
      found.emplace_back(place.kind, *file);
    }
  }
  if (found.empty()) {
    std::error_code none;
    const auto machine = find_machine(name, catalogue);
    if (machine && std::filesystem::exists(*machine, none)) {
      return load_hardware("machines", name, *machine, catalogue);
    }
  }
  if (found.empty() && name.ends_with(".yaml")) {
    return load_hardware("machines", name, find_file(kMachineFile, name, catalogue), catalogue);
  }
  if (found.empty()) unknown(catalogue, stem);
  if (found.size() > 1) {
    throw UsageError(fmt::format("'{}' is of {} and of {}: write {}/{} or {}/{}", stem,
                                 found[0].first, found[1].first, found[0].first, stem,
                                 found[1].first, stem));
  }
  return load_hardware(found[0].first, stem, found[0].second, catalogue);
}

HardwareProfile load_hardware(std::string_view kind, const std::string& name,
                              const std::string& file, const config::Catalogue& catalogue) {
  TERRACE_CHECK(is_hardware(kind));
  HardwareProfile profile;
  profile.kind = kind;
  profile.name = name;
  profile.file = file;
  profile.summary = first_comment(file);
  if (kind == "gpus") load<GpuSpec>(profile);
  if (kind == "hosts") load<HostSpec>(profile);
  if (kind == "ssds") load<SsdSpec>(profile);
  if (kind == "networks") load<NetworkSpec>(profile);
  if (kind == "machines") load_machine(profile, catalogue);
  return profile;
}

}  // namespace terrace::app
