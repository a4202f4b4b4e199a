#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/machine.hpp"
#include "sim/app/output.hpp"

namespace terrace::app {
namespace {

void line(std::string_view what, std::string_view finding) {
  print(fmt::format("{:<14}  {}\n", what, finding));
}

/// What the simulator needs; the rest is for calibration.
bool report_catalogue(const config::Catalogue& catalogue) {
  bool found = false;
  for (const std::string& root : catalogue.roots()) {
    const config::Catalogue alone({root});
    std::string counts;
    for (const CatalogueKind& kind : catalogue_kinds()) {
      const std::size_t count = alone.names(kind.folder).size();
      if (count == 0) continue;
      counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, kind.name);
    }
    found = found || !counts.empty();
    line("catalogue", fmt::format("{}: {}", root, counts.empty() ? "empty" : counts));
  }
  if (!found) line("catalogue", "none found: give --catalog DIR, or set TERRACE_CATALOG");
  return found;
}

ExitCode run(const Arguments& arguments) {
  line("terrace", TERRACE_VERSION);
  const bool catalogue = report_catalogue(open_catalogue(arguments));
  line("cores", machine::cores());
  line("memory", machine::memory());
  line("huge pages", machine::huge_pages());
  line("CUDA", machine::cuda());
  line("nvidia-smi", machine::on_path("nvidia-smi"));
  line("O_DIRECT", machine::direct_io(arguments.value("disk").value_or(".")));
  line("io_uring", machine::io_uring());
  line("terminal", machine::terminal());
  return catalogue ? ExitCode::ok : ExitCode::failure;
}

constexpr std::array kOptions = {
    Option{"disk", "DIR", "try direct I/O there; the current directory if left out",
           Words::directory},
    kCatalogOption};

}  // namespace

constinit const Verb kDoctor = {
    .name = "doctor",
    .summary = "what this machine offers to the simulator and to calibration",
    .positionals = {},
    .options = kOptions,
    .notes =
        "Simulating needs the catalogue and nothing else; calibration measures what it finds.\n"
        "Exits with 1 if there is no catalogue.\n",
    .run = run};

}  // namespace terrace::app
