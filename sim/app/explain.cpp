#include <array>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/app/arguments.hpp"
#include "sim/app/output.hpp"
#include "sim/base/text.hpp"
#include "sim/report/human.hpp"
#include "sim/report/json.hpp"
#include "sim/report/miss_report.hpp"
#include "sim/report/run_reader.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

/// An option that would silently do nothing is a mistake.
void check_needed(const Arguments& arguments) {
  for (const char* option : {"csv", "json"}) {
    if (arguments.has(option) && !arguments.has("misses")) {
      throw UsageError(fmt::format("--{} has no effect without --misses", option));
    }
  }
}

std::string ttft_text(const FinishedRun& run) {
  constexpr std::array kNames = {"queue", "KV load", "prefill", "other"};
  const std::array<double, 4> parts = run.ttft_parts();
  double sum = 0;
  for (const double part : parts) sum += part;
  Table table({"Mean TTFT", "time", "share %"});
  for (std::size_t i = 0; i < parts.size(); ++i) {
    table.add({kNames[i], human::time(parts[i] * 1e-3), human::percent(parts[i], sum)});
  }
  table.add({"all", human::time(sum * 1e-3), human::percent(sum, sum)});
  return paragraph("", escape_controls(run.scenario())) + partial_note(run.complete()) +
         table.text();
}

ExitCode run(const Arguments& arguments) {
  check_needed(arguments);
  const FinishedRun run(*arguments.positional(0));
  if (!arguments.has("misses")) {
    print(ttft_text(run));
    return ExitCode::ok;
  }
  MissReport report = run.misses();
  sort_by_tokens(report);
  if (const auto file = arguments.value("csv")) write_miss_csv(*file, report);
  if (arguments.has("json")) {
    print(json_text(miss_json(report)));
  } else {
    print(miss_text(report, run.scenario(), run.complete()));
  }
  return ExitCode::ok;
}

constexpr std::array kPositionals = {
    Positional{"OUT_DIR", "what 'terrace run --out OUT_DIR' wrote", true, Words::directory}};

constexpr std::array kOptions = {
    Option{"misses", "", "why prompt tokens were missed; the run needs --misses as well"},
    Option{"csv", "FILE", "write the causes there as a table, too", Words::file},
    Option{"json", "", "print the causes as JSON, and nothing else"}};

}  // namespace

constinit const Verb kExplain = {
    .name = "explain",
    .summary = "why a finished run went as it did: its TTFT, its cache misses",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "It reads summary.json and manifest.json of OUT_DIR, and no other file there.\n\n"
        "Alone, it says where the time to first token went. With --misses, every prompt token\n"
        "that no cache served has exactly one cause, at one place:\n\n"
        "  never_seen        its block had not been computed in this run\n"
        "  evicted           HBM or a tier let go of it; of all places that had or could have had\n"
        "                    it, the farthest from the GPU is told, here and in what follows\n"
        "  write_pending     it was on its way to a tier\n"
        "  no_room, queue_full, write_dropped\n"
        "                    it was not written to a tier: all in use; too many writes waiting;\n"
        "                    younger writes took its place\n"
        "  below_uses, admission_rule, eviction_policy\n"
        "                    a tier declined it: write: selective, or the rule or policy named\n"
        "  partial_block     it is no part of a whole block of HBM, or never was one of a tier\n"
        "  last_token        the last block of a prompt: something has to be computed\n"
        "  other_replica     only where this replica cannot read it\n"
        "  prefix_broken     within reach, but of no use without a block before it\n"
        "  behind_load       in HBM, but behind blocks from a tier; HBM is read to its first gap\n"
        "  recompute_chosen  below, but computing it was preferred\n"
        "  no_caching        enable_prefix_caching: false\n\n"
        "  terrace run offload-nvme --misses --out results && terrace explain --misses results\n",
    .run = run};

}  // namespace terrace::app
