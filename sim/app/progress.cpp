#include "sim/app/progress.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace terrace::app {
namespace {

/// What the line says after `elapsed` seconds.
std::string progress_text(const Progress& progress, std::optional<std::int64_t> requests,
                          std::optional<Duration> duration, double elapsed) {
  const double simulated = seconds(progress.now);
  const auto left = static_cast<double>(progress.left);
  double part = 0;
  if (requests) part = left / static_cast<double>(*requests);
  if (duration) part = std::max(part, simulated / seconds(*duration));
  part = std::min(part, 1.0);

  std::string text = requests ? fmt::format("{}/{} requests", progress.left, *requests)
                              : fmt::format("{} requests", progress.left);
  if (part > 0) text += fmt::format("  {:.0f} %", 100 * part);
  text += fmt::format("  simulated {}  {:.0f} requests/s", humane(simulated), left / elapsed);
  if (part > 0.01) text += fmt::format("  ETA {}", humane(elapsed * (1 - part) / part));
  return text;
}

std::string sweep_text(const SweepProgress& progress, double elapsed) {
  std::string text = bar(progress.done, progress.runs) + " runs";
  if (progress.failed > 0) text += fmt::format("  {} failed", progress.failed);
  const auto now = static_cast<double>(progress.done - progress.reused);
  const auto left = static_cast<double>(progress.runs - progress.done);
  if (now > 0 && left > 0) text += fmt::format("  ETA {}", humane(elapsed * left / now));
  return text;
}

}  // namespace

ProgressLine::ProgressLine(const Scenario& scenario, bool wanted)
    : line_(wanted, false),
      requests_(most_requests(scenario.workload)),
      duration_(scenario.workload.trace ? scenario.workload.trace->duration
                                        : scenario.workload.synthetic.duration) {}

void ProgressLine::show(const Progress& progress) {
  if (!line_.due()) return;
  line_.show(progress_text(progress, requests_, duration_, line_.elapsed_seconds()));
}

void PlanLine::show(const PlanProgress& progress) {
  if (!line_.due()) return;
  line_.show(fmt::format("{} candidates  {} runs  {}", bar(progress.done, progress.candidates),
                         progress.runs, humane(line_.elapsed_seconds())));
}

void SweepLine::show(const SweepProgress& progress) {
  if (!line_.due()) return;
  line_.show(sweep_text(progress, line_.elapsed_seconds()));
}

}  // namespace terrace::app
