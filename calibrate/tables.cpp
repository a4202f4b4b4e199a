#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "calibrate/fitting/catalogued.hpp"
#include "calibrate/fitting/dataset.hpp"
#include "calibrate/fitting/table_errors.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/output.hpp"
#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/cost/kernel_tables.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::Option;
using app::UsageError;
using app::Words;

/// What the user names, or else what the GPU's profile does.
std::string profile_file(const Arguments& arguments, const config::Catalogue& catalogue,
                         const GpuSpec& gpu) {
  const std::string name = arguments.value("kernels").value_or(gpu.kernels);
  if (name.empty()) {
    throw UsageError(fmt::format("--kernels is missing: {} names no profile", gpu.name));
  }
  if (std::filesystem::is_regular_file(name)) return name;
  return catalogued(catalogue, "kernels", "hwprofiles/kernels", name);
}

std::string text_of(const std::vector<TableErrors>& all) {
  Table table({"kernels", "regime", "points", "law", "law unseen", "no point", "no shape"});
  const auto percent = [](const std::optional<Spread>& spread) {
    return spread ? fmt::format("{:.1f} /{:5.1f}", 100 * spread->median, 100 * spread->p90)
                  : std::string("-");
  };
  std::string_view last;
  for (const TableErrors& e : all) {
    table.add({last == e.kernels ? "" : e.kernels, e.regime, human::count(e.points), percent(e.law),
               percent(e.unseen), percent(e.point), percent(e.shape)});
    last = e.kernels;
  }
  return table.text();
}

ExitCode run(const Arguments& arguments) {
  const std::string directory = needed(arguments, "tables", "tables");
  const config::Catalogue catalogue = app::open_catalogue(arguments);
  const std::string gpu_name = needed(arguments, "tables", "gpu");
  const std::string gpu_file = catalogued(catalogue, "gpu", "hwprofiles/gpus", gpu_name);
  const auto gpu = config::read_file<GpuSpec>(gpu_file);
  const std::string file = profile_file(arguments, catalogue, gpu);
  const auto profile = config::read_file<KernelProfile>(file);
  if (profile.gpu != gpu.name) {
    throw UsageError(
        fmt::format("{} is a profile of '{}', not of '{}'", file, profile.gpu, gpu.name));
  }
  const forms::Chip chip = chip_of(gpu, gpu_file);
  const KernelTables tables = KernelTables::read(directory, profile, chip);
  app::print(
      fmt::format("{} and the laws of {}\n\n", directory, file) +
      "|predicted / measured - 1|, median / 90th percentile in %: by the law alone, by the "
      "law on points\nthat its fit has not seen (cross-validation, as the profile has it), by "
      "the table without the point\nin question, and by the table without all points of its "
      "shape\n\n" +
      text_of(table_errors(tables, profile, chip)));
  return ExitCode::ok;
}

constexpr std::array kOptions = {
    Option{"tables", "DIR", "measured calls: gemm.csv, attention_decode.csv and others",
           Words::directory},
    Option{"gpu", "GPU", "what they were measured on; 'terrace list gpus' names them", Words::free},
    Option{"kernels", "PROFILE", "the laws to correct; the GPU's own if left out", Words::file},
    app::kCatalogOption};

}  // namespace

constinit const app::Verb kTables = {
    .name = "calibrate tables",
    .summary = "how well tables of measured times foretell what they do not have",
    .positionals = {},
    .options = kOptions,
    .notes =
        "Corrects the fitted laws by what tables say beside them, and tests that on each point in\n"
        "turn without letting the table see it. Read are, as far as they are there,\n"
        "  attention_decode.csv   num_heads, num_kv_heads, head_dim, kv_dtype, kernel, batch, "
        "kv_len\n"
        "  attention_prefill.csv  the same with seq_len\n"
        "  gemm.csv               dtype, n, k, m\n"
        "  mla_decode.csv         num_heads, kv_dtype, batch, kv_len\n"
        "  mla_prefill.csv        the same with seq_len\n"
        "  allreduce.csv          mode, num_gpus, elements, bytes\n"
        "  nccl.csv               op, dtype, num_gpus, elements, bytes\n"
        "each with latency_us.\n"
        "\n"
        "  terrace calibrate tables --tables measured/ --gpu h200-sxm --kernels h200-sxm.yaml\n",
    .run = run};

}  // namespace terrace::calibrate
