#include "sim/app/interrupt.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <string_view>

#include <time.h>
#include <unistd.h>

#include "sim/app/exit_code.hpp"

namespace terrace::app {
namespace {

using Nanoseconds = std::int64_t;

// A signal handler reaches nothing but what is global, and may run in any thread.
std::atomic<Nanoseconds> g_first = 0;  // when the first one was noted; 0: none was
std::atomic<bool> g_watched = false;
std::string_view g_words;  // not changed once there are handlers
static_assert(std::atomic<Nanoseconds>::is_always_lock_free);

// timeout(1), for one, signals its child and then the child's whole group.
constexpr Nanoseconds kSameWithin = 500'000'000;

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

Nanoseconds now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Nanoseconds{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

extern "C" void note_or_end(int /*signal*/) {
  const Nanoseconds time = now();
  Nanoseconds first = g_first;
  if (first == 0 && g_watched && g_first.compare_exchange_strong(first, time)) return;
  if (first != 0 && time - first < kSameWithin) return;
  // Nothing is left to be done if this fails.
  [[maybe_unused]] const ssize_t told = write(STDERR_FILENO, g_words.data(), g_words.size());
  _exit(static_cast<int>(ExitCode::interrupted));
}

sigset_t our_signals() {
  sigset_t all;
  sigemptyset(&all);
  for (const int signal : kSignals) sigaddset(&all, signal);
  return all;
}

}  // namespace

void end_cleanly_on_signals() {
  // On a terminal the line may be one that shows progress, or has ^C in it.
  constexpr std::string_view kWords = "\nterrace: stopped by a signal\n";
  g_words = kWords.substr(isatty(STDERR_FILENO) != 0 ? 0 : 1);
  struct sigaction ours {};
  ours.sa_handler = note_or_end;
  ours.sa_mask = our_signals();
  ours.sa_flags = SA_RESTART;
  for (const int signal : kSignals) {
    struct sigaction theirs {};
    if (sigaction(signal, nullptr, &theirs) == 0 && theirs.sa_handler == SIG_IGN) continue;
    sigaction(signal, &ours, nullptr);
  }
  pthread_sigmask(SIG_UNBLOCK, &ours.sa_mask, nullptr);
}

SignalsHeld::SignalsHeld() {
  const sigset_t all = our_signals();
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

SignalsHeld::~SignalsHeld() {
  const sigset_t all = our_signals();
  pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
}

InterruptWatch::InterruptWatch() { g_watched = true; }

// The echo of a signal that was noted must not stop the results being written: g_first keeps it.
InterruptWatch::~InterruptWatch() { g_watched = false; }

bool InterruptWatch::interrupted() { return g_first != 0; }

}  // namespace terrace::app
