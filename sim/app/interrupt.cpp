#include "sim/app/interrupt.hpp"

#include <array>
#include <csignal>
#include <ctime>

namespace terrace::app {
namespace {

// A signal handler reaches nothing but what is global.
volatile std::sig_atomic_t g_interrupted = 0;
timespec g_first;

// timeout(1), for one, signals its child and then the child's whole group.
constexpr double kSameWithin = 0.5;  // seconds

constexpr std::array kSignals = {SIGINT, SIGTERM};

extern "C" void note_interrupt(int signal) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (g_interrupted == 0) {
    g_first = now;
    g_interrupted = 1;
    return;
  }
  const double since = static_cast<double>(now.tv_sec - g_first.tv_sec) +
                       1e-9 * static_cast<double>(now.tv_nsec - g_first.tv_nsec);
  if (since < kSameWithin) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);  // takes effect on return
}

}  // namespace

InterruptWatch::InterruptWatch() {
  g_interrupted = 0;
  for (const int signal : kSignals) {
    if (std::signal(signal, note_interrupt) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

InterruptWatch::~InterruptWatch() {
  if (interrupted()) return;  // the echo of a signal must not stop the results being written
  for (const int signal : kSignals) {
    if (std::signal(signal, SIG_DFL) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

bool InterruptWatch::interrupted() { return g_interrupted != 0; }

}  // namespace terrace::app
