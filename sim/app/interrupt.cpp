#include "sim/app/interrupt.hpp"

#include <array>
#include <csignal>

namespace terrace::app {
namespace {

// A signal handler reaches nothing but what is global.
volatile std::sig_atomic_t g_interrupted = 0;

constexpr std::array kSignals = {SIGINT, SIGTERM};

extern "C" void note_interrupt(int) {
  g_interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

InterruptWatch::InterruptWatch() {
  g_interrupted = 0;
  for (const int signal : kSignals) {
    if (std::signal(signal, note_interrupt) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

InterruptWatch::~InterruptWatch() {
  for (const int signal : kSignals) {
    if (std::signal(signal, SIG_DFL) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

bool InterruptWatch::interrupted() { return g_interrupted != 0; }

}  // namespace terrace::app
