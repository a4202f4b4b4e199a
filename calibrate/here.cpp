#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "calibrate/lab_options.hpp"
#include "calibrate/loop/closed_loop.hpp"
#include "calibrate/loop/error_bound.hpp"
#include "calibrate/loop/loop_report.hpp"
#include "calibrate/measuring/device.hpp"
#include "calibrate/measuring/environment.hpp"
#include "calibrate/measuring/machine_lock.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/status_line.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::InterruptWatch;
using app::Option;
using app::Words;

/// A signal came.
class Stopped : public std::exception {};

/// One core is left to who writes to the file, if there are several.
int usual_threads() { return std::max(1, usable_cores() - 1); }

ExitCode run(const Arguments& arguments) {
  std::vector<ErrorBound> bounds;
  for (const std::string& text : arguments.all("fail-on")) {
    bounds.push_back(parse_error_bound(text));
  }
  LoopOptions options;
  if (arguments.has("quick")) options.extent = LoopExtent::quick;
  options.disk = arguments.value("disk").value_or(".");
  options.threads = threads_of(arguments, usual_threads());
  options.seed = seed_of(arguments);
  const auto out = arguments.value("out");
  LoopResult result;
  try {
    const MachineLock lock;
    const Device device = open_device(arguments.value("device").value_or("cpu"), options.threads);
    if (out) make_output_directory(*out);
    const InterruptWatch watch;
    app::StatusLine line(true, true);
    result =
        close_loop(options, *device.kernels, !device.gpu, [&](std::string_view what, double part) {
          if (InterruptWatch::interrupted()) throw Stopped();
          if (line.due()) line.show(fmt::format("{}: {:.0f} %", what, 100 * part));
        });
  } catch (const Stopped&) {
    app::note("terrace: stopped by a signal; there is nothing to compare yet");
    return ExitCode::interrupted;
  }
  if (out) write_loop(result, *out);
  app::print(arguments.has("json") ? loop_json(result) : loop_text(result));
  const std::vector<std::string> lines = missed(bounds, result.workloads);
  for (const std::string& line : lines) app::note("terrace: " + line);
  return exit_code_of(lines);
}

constexpr std::array kOptions = {
    Option{"quick", "", "half of the workloads, and fewer measurements"},
    Option{"disk", "DIR", "where the file lies that blocks are evicted to; here if left out",
           Words::directory},
    Option{"device", "DEVICE", "what multiplies and attends: cpu or cuda:0; cpu if left out",
           Words::free},
    Option{"threads", "N",
           "of the processor: compute all there, and beside a GPU what is not its kernels'; all "
           "cores but one if left out",
           Words::free},
    Option{"seed", "N", "of the conversations; 1 if left out", Words::free},
    Option{"out", "DIR", "write workloads.csv, summary.json and a plot there", Words::directory},
    Option{"json", "", "print the summary as JSON, and nothing else"},
    Option{"fail-on", "'ERROR>NUMBER%'", "exit with 5 if this error is larger", Words::free, true}};

}  // namespace

constinit const app::Verb kHere = {
    .name = "calibrate here",
    .summary = "serve on this machine, and compare the simulator with it",
    .positionals = {},
    .options = kOptions,
    .notes =
        "Measures how long the steps of a small transformer take on this machine, and how long "
        "its\n"
        "blocks of KV take between memory, a file and the model. Then it serves workloads for\n"
        "real, with continuous batching, prefix caching and eviction to memory and file, and\n"
        "simulates the same with what was measured; nothing is learned from the workloads. The\n"
        "file has no name, at most 64 MiB, and leaves nothing behind.\n"
        "\n"
        "With --device cuda:0 products, attention and the pool are the GPU's; norms, gates, "
        "sampling "
        "and\nthe tiers below stay the host's. The exit status is 1 if there is no such device.\n"
        "\n"
        "Errors by name: a quantity (prompt_step, decode_step, ttft, tpot, memory_load, "
        "file_load,\n"
        "memory_moved, file_moved, peak_blocks), or steps, loads, steps_and_loads, with _median,\n"
        "_p90 or _bias.\n"
        "  terrace calibrate here --disk /data --fail-on 'steps_and_loads_median>10%'\n",
    .run = run};

}  // namespace terrace::calibrate
