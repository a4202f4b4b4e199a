#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "calibrate/fitting/assignments.hpp"
#include "calibrate/fitting/calibration.hpp"
#include "calibrate/fitting/catalogued.hpp"
#include "calibrate/fitting/fit_report.hpp"
#include "calibrate/fitting/profile_file.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/output.hpp"
#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::Option;
using app::print;
using app::UsageError;
using app::Words;

constexpr std::string_view kGpus = "hwprofiles/gpus";

std::int64_t number(const Arguments& arguments, std::string_view option, std::int64_t otherwise,
                    std::int64_t least, std::int64_t most) {
  const std::int64_t value = arguments.number(option).value_or(otherwise);
  if (value >= least && value <= most) return value;
  throw UsageError(
      fmt::format("--{} takes a number from {} to {}, not {}", option, least, most, value));
}

/// Beside the profile: "h200-sxm.gemm-bf16.points.csv".
std::filesystem::path points_path(const std::string& out, const KernelFit& fit) {
  std::filesystem::path path = out;
  const std::string only = fit.head_dim ? fmt::format("-hd{}", *fit.head_dim)
                           : fit.gpus   ? fmt::format("-{}gpus", *fit.gpus)
                                        : "";
  path.replace_filename(fmt::format("{}.{}-{}{}.points.csv", path.stem().string(), fit.form.text,
                                    config::Scalar<DType>::format(fit.dtype), only));
  return path;
}

/// "mha_splits=16,feed=30 TB/s" for parameters of that form.
std::map<std::string, double, std::less<>> held(const Adapter& adapter, std::string_view text) {
  std::map<std::string, double, std::less<>> all;
  for (const auto& [name, value] : assignments("hold", text)) {
    const auto found =
        std::find_if(adapter.parameters.begin(), adapter.parameters.end(),
                     [wanted = name](const forms::Parameter& p) { return p.name == wanted; });
    if (found == adapter.parameters.end()) {
      std::vector<std::string_view> names;
      for (const forms::Parameter& parameter : adapter.parameters) names.push_back(parameter.name);
      const auto near = closest(name, names);
      throw UsageError(fmt::format("--hold: '{}' has no parameter '{}'; {}", adapter.form, name,
                                   near ? fmt::format("did you mean '{}'?", *near)
                                        : fmt::format("it has {}", fmt::join(names, ", "))));
    }
    const auto number = value_of(found->unit, value);
    if (!number || *number < found->low || *number > found->high) {
      throw UsageError(fmt::format("--hold: {}='{}' is not from {} to {}", name, value,
                                   text_of(found->unit, found->low),
                                   text_of(found->unit, found->high)));
    }
    if (!all.emplace(name, *number).second) {
      throw UsageError(fmt::format("--hold: '{}' is given twice", name));
    }
  }
  return all;
}

ExitCode run(const Arguments& arguments) {
  const std::string path = needed(arguments, "fit", "points");
  const Adapter& adapter = find_adapter(needed(arguments, "fit", "form"));
  const std::string gpu_name = needed(arguments, "fit", "gpu");
  const auto out = arguments.value("out");
  if (arguments.has("keep-points") && !out) {
    throw UsageError("--keep-points writes beside the profile: it needs --out");
  }
  FitOptions options;
  options.folds = static_cast<int>(number(arguments, "folds", options.folds, 2, 1000));
  options.bootstrap =
      static_cast<int>(number(arguments, "bootstrap", options.bootstrap, 20, 100'000));
  options.seed = static_cast<std::uint64_t>(number(arguments, "seed", 1, 0, INT64_MAX));

  if (const auto hold = arguments.value("hold")) options.held = held(adapter, *hold);

  const std::string file = catalogued(app::open_catalogue(arguments), "gpu", kGpus, gpu_name);
  const auto gpu = config::read_file<GpuSpec>(file);
  if (out) {  // to fail before the work, not after it
    static_cast<void>(open_profile(*out, gpu));
    check_replaceable(*out);
  }
  PointTable table = read_points(path, adapter.family);
  if (const auto where = arguments.value("where")) keep_where(table, *where);
  const Dataset data = prepare(table, adapter, chip_of(gpu, file));
  check_units(data, gpu);
  options.most_bandwidth = gpu.memory_bandwidth;

  Calibration calibration = calibrate(data, adapter, path, options);
  calibration.fit.engine = arguments.value("engine").value_or("");
  calibration.fit.source = arguments.value("source").value_or("");
  print(fit_text(calibration, data, adapter, path, gpu_name));
  if (!out) return ExitCode::ok;

  if (arguments.has("keep-points")) {
    const std::filesystem::path points = points_path(*out, calibration.fit);
    replace_file(points, [&](const std::filesystem::path& beside) {
      write_points(beside, table, data, calibration, adapter);
    });
    print(fmt::format("\n{}: the points and what the fit makes of them\n", points.string()));
  }
  const bool replaced = put_fit(gpu, calibration.fit, *out);
  print(fmt::format("{}{}: {}\n", arguments.has("keep-points") ? "" : "\n", *out,
                    replaced ? "replaced an earlier fit of this kind" : "added"));
  return ExitCode::ok;
}

constexpr std::array kOptions = {
    Option{"points", "FILE", "measured calls: a .csv table, or the .json of a calibration",
           Words::file},
    Option{"form", "FORM",
           "gemm, decode, prefill, mixed, mla_decode, mla_prefill, all_reduce, all_gather, "
           "reduce_scatter; of a processor cpu_gemm, cpu_decode, cpu_prefill, cpu_mla_decode",
           Words::free},
    Option{"gpu", "GPU", "what they were measured on; 'terrace list gpus' names them", Words::free},
    Option{"out", "PROFILE.yaml", "put the fit into this profile; if left out, it is only shown",
           Words::file},
    Option{"where", "'COLUMN=VALUE,...'", "fit these points only"},
    Option{"hold", "'PARAMETER=VALUE,...'",
           "do not fit these: for what the points do not determine"},
    Option{"engine", "TEXT", "whose kernels they are, such as 'vLLM 0.24.0'; kept in the profile"},
    Option{"source", "TEXT", "where the points come from; kept in the profile"},
    Option{"keep-points", "", "write the points and their predictions beside the profile"},
    Option{"folds", "N", "parts of the cross-validation; 5 if left out"},
    Option{"bootstrap", "N", "fits for the intervals of the parameters; 200 if left out"},
    Option{"seed", "N", "of starts, folds and draws; 1 if left out"},
    app::kCatalogOption};

}  // namespace

constinit const app::Verb kFit = {
    .name = "calibrate fit",
    .summary = "find the parameters of a kernel's law from measured times",
    .positionals = {},
    .options = kOptions,
    .notes =
        "A .csv has a header; latency_us holds the times (or latency_ns, _ms, _s), dtype or\n"
        "kv_dtype the data type, and the other columns the shape of the call:\n"
        "  gemm                      m, n, k; activations, fp8 where tokens came quantised (then\n"
        "                            points do not tell 'row' and 'quantise': --hold them)\n"
        "  decode                    num_heads, num_kv_heads, head_dim, batch, kv_len\n"
        "  prefill                   num_heads, num_kv_heads, head_dim, batch, seq_len\n"
        "  mixed                     num_heads, num_kv_heads, head_dim, prefill_chunk, "
        "kv_prefill,\n"
        "                            prefill_ns (the chunk alone), n_decode, kv_decode\n"
        "  mla_decode, mla_prefill   num_heads, batch, kv_len or seq_len\n"
        "  cpu_...                   as without cpu_; without points whose l2 is hot\n"
        "A .json has a list 'points', each with family, x (the shape), median, unit, ok and l2.\n"
        "\n"
        "  all_reduce, ...           num_gpus, bytes; no data type\n"
        "A profile keeps one fit for each form, dtype, head_dim and num_gpus: a new one takes the "
        "place of\n"
        "the old. Groups of similar points are seen or not seen together by the cross-validation.\n"
        "Of a processor, --gpu names hwprofiles/gpus/NAME.yaml of a --catalog of yours: what\n"
        "a calibrated machine's profile has under 'gpu'.\n"
        "\n"
        "  terrace calibrate fit --points gemm.csv --form gemm --gpu h200-sxm \\\n"
        "    --where dtype=bf16 --engine 'vLLM 0.24.0' --out h200-sxm.yaml\n",
    .run = run};

}  // namespace terrace::calibrate
