#include "sim/app/status_line.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

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

std::string bar(std::size_t done, std::size_t all) {
  constexpr std::size_t kBar = 20;
  const std::size_t filled = all > 0 ? kBar * done / all : kBar;
  return fmt::format("[{}{}] {}/{}", std::string(filled, '#'), std::string(kBar - filled, '.'),
                     done, all);
}

std::string humane(double seconds) {
  if (!(seconds < 9e9)) return "a long time";
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {:02} h", whole / 86400, whole / 3600 % 24);
}

}  // namespace terrace::app
