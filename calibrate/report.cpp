#include <array>
#include <string>

#include "calibrate/measuring/points_file.hpp"
#include "calibrate/output_option.hpp"
#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/profile/profile_report.hpp"
#include "calibrate/profile/run_file.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/output.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::Option;
using app::Positional;
using app::Words;

ExitCode run(const Arguments& arguments) {
  const config::Catalogue catalogue = app::open_catalogue(arguments);
  const auto out = arguments.value("out");
  const std::filesystem::path file = find_run(*arguments.positional(0), catalogue);
  const auto yaml = output_option(arguments, "profile", ".yaml", std::array{file});
  const MeasuredRun run = read_run(file);
  if (out) make_output_directory(*out);
  const MachineProfile profile = laws_and_machine(run, catalogue);
  if (yaml) require_machine(profile, file.string());
  if (out) write_profile_files(profile, *out);
  if (yaml) replace_file(*yaml, machine_yaml(profile, run));
  app::print(arguments.has("json") ? profile_json(profile, run, file.string())
                                   : profile_text(profile, run, file.string()));
  return ExitCode::ok;
}

constexpr std::array kPositionals = {
    Positional{"NAME", "of 'terrace calibrate --out NAME', or its points.json", true, Words::file}};

constexpr std::array kOptions = {
    Option{"out", "DIR", "write points.csv and plots of points against laws there",
           Words::directory},
    Option{"profile", "FILE.yaml", "write the hardware profile that follows from the points there",
           Words::file},
    Option{"json", "", "print it as JSON, and nothing else"}, app::kCatalogOption};

}  // namespace

constinit const app::Verb kReport = {
    .name = "calibrate report",
    .summary = "what a calibration found: laws beside points, and what to trust of them",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "Makes the profile anew from NAME.points.json, which always gives the same: so it does "
        "from\n"
        "old points by new laws. Errors are of all points by their laws, and those 'unseen' by "
        "laws\n"
        "that were fitted to others; a gate is what a law should keep to: 10 % for products "
        "(WAPE)\n"
        "and prefills (MAPE), 8 % for decodes, 5 % for large copies, 20 % for small blocks, 15 % "
        "for\na drive. Points whose operands were in a cache are not fitted.\n\n"
        "  terrace calibrate report mine --out mine-report\n"
        "  terrace calibrate report mine --profile mine.yaml\n",
    .run = run};

}  // namespace terrace::calibrate
