#include "calibrate/measuring/run_identity.hpp"

#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "calibrate/disk/disk_identity.hpp"
#include "sim/study/identity.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

Json names_of(const std::vector<const Family*>& families) {
  Json names = Json::array();
  for (const Family* family : families) names.push_back(family->name);
  return names;
}

}  // namespace

Json tool_facts(const MeasuringOptions& options) {
  return {{"version", TERRACE_VERSION},
          {"build", file_identity("/proc/self/exe")},
          {"compiler", __VERSION__},
          {"device", options.device},
          {"quick", options.quick},
          {"families", names_of(options.families)},
          {"disk", options.disk.has_value()},
          {"threads", options.threads},
          {"seed", options.seed}};
}

Json disk_facts(const std::filesystem::path& directory) {
  const DiskIdentity disk = disk_identity(directory);
  Json facts = {{"model", disk.model},
                {"kind", disk.kind},
                {"file_system", disk.file_system},
                {"rotational", disk.rotational},
                {"drives", disk.drives},
                {"virtual", !disk.virtual_because.empty()}};
  if (disk.capacity > Bytes{}) facts["capacity_bytes"] = disk.capacity.count();
  if (!disk.virtual_because.empty()) facts["virtual_because"] = disk.virtual_because;
  facts["is_product_nvme"] = disk.is_product() && disk.kind == "nvme";
  return facts;
}

std::string differences(const Json& there, const Json& here) {
  const auto of = [](const Json& all, const std::string& name) {
    return all.is_object() && all.contains(name) ? all.at(name) : Json();
  };
  std::set<std::string> names;
  for (const Json* all : {&there, &here}) {
    for (const auto& [name, value] : all->items()) names.insert(name);
  }
  std::string text;
  for (const std::string& name : names) {
    const Json before = of(there, name);
    const Json now = of(here, name);
    if (before == now) continue;
    text +=
        fmt::format("{}{} ({}, now {})", text.empty() ? "" : ", ", name, before.dump(), now.dump());
  }
  return text;
}

}  // namespace terrace::calibrate
