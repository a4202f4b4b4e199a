#include "sim/config/schema.hpp"

#include <array>
#include <string>
#include <string_view>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/output.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/plan/spec.hpp"
#include "sim/study/sweep/spec.hpp"
#include "sim/study/validation/spec.hpp"

namespace terrace::app {
namespace {

constexpr std::array<std::string_view, 10> kWhat = {
    "scenario", "sweep", "plan", "validation", "model", "gpu", "host", "ssd", "network", "machine"};

template <class T>
nlohmann::ordered_json schema_of(std::string_view title, const config::Catalogue& catalogue) {
  T value{};
  return config::SchemaMaker(catalogue).schema_of(value, title);
}

nlohmann::ordered_json schema(std::string_view what, const config::Catalogue& catalogue) {
  if (what == "model") return schema_of<ModelSpec>("terrace model", catalogue);
  if (what == "gpu") return schema_of<GpuSpec>("terrace GPU", catalogue);
  if (what == "host") return schema_of<HostSpec>("terrace host", catalogue);
  if (what == "ssd") return schema_of<SsdSpec>("terrace SSD", catalogue);
  if (what == "network") return schema_of<NetworkSpec>("terrace network", catalogue);
  if (what == "machine") return schema_of<HardwareSpec>("terrace machine", catalogue);
  if (what == "sweep") return schema_of<SweepSpec>("terrace sweep", catalogue);
  if (what == "plan") return schema_of<PlanSpec>("terrace plan", catalogue);
  if (what == "validation") return schema_of<ValidationSpec>("terrace validation", catalogue);
  return schema_of<Scenario>("terrace scenario", catalogue);
}

ExitCode run(const Arguments& arguments) {
  print(schema(*arguments.positional(0), open_catalogue(arguments)).dump(2) + "\n");
  return ExitCode::ok;
}

constexpr std::array kPositionals = {
    Positional{"WHAT", "a kind of file, one of", true, Words::choice, kWhat}};
constexpr std::array kOptions = {kCatalogOption};

}  // namespace

constinit const Verb kSchema = {
    .name = "schema",
    .summary = "the JSON Schema of a kind of file, for editors",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "  terrace schema scenario > schema/scenario.schema.json\n"
        "and, as a comment in a scenario, for editors that speak to yaml-language-server:\n"
        "  # yaml-language-server: $schema=../schema/scenario.schema.json\n",
    .run = run};

}  // namespace terrace::app
