#include "sim/app/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace terrace::app {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kPlainEvery = 5s;

std::size_t columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

/// Simulated or real time as people write it: "12.3 s", "4 min 05 s", "2 h 03 min", "3 d 04 h".
std::string humane(double seconds) {
  if (!(seconds < 9e9)) return "a long time";
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {:02} h", whole / 86400, whole / 3600 % 24);
}

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

/// "[#####...............] 25/100"
std::string bar(std::size_t done, std::size_t all) {
  constexpr std::size_t kBar = 20;
  const std::size_t filled = all > 0 ? kBar * done / all : kBar;
  return fmt::format("[{}{}] {}/{}", std::string(filled, '#'), std::string(kBar - filled, '.'),
                     done, all);
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

StatusLine::StatusLine(bool wanted, bool also_plain)
    : terminal_(isatty(STDERR_FILENO) == 1),
      on_(wanted && (terminal_ || also_plain)),
      start_(Clock::now()),
      now_(start_),
      next_(start_ + (terminal_ ? 500ms : kPlainEvery)) {}

StatusLine::~StatusLine() {
  if (shown_ && terminal_) std::fputs("\r\x1b[K", stderr);
}

bool StatusLine::due() {
  if (!on_) return false;
  now_ = Clock::now();
  return now_ >= next_;
}

double StatusLine::elapsed_seconds() const {
  return std::chrono::duration<double>(now_ - start_).count();
}

void StatusLine::show(std::string text) {
  next_ = now_ + (terminal_ ? 100ms : kPlainEvery);
  shown_ = true;
  if (terminal_) {
    text.resize(std::min(text.size(), columns() - 1));
    std::fputs(fmt::format("\r{}\x1b[K", text).c_str(), stderr);
  } else {
    std::fputs((text + "\n").c_str(), stderr);
  }
}

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
