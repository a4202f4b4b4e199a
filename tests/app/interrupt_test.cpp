// Signals end every verb in the documented way, whenever they come.

#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;
using testing::Outcome;
using testing::Workplace;

const std::vector<int> kEnding = {SIGINT, SIGTERM, SIGHUP};

/// Runs for hours.
std::vector<std::string> long_run() {
  return {"run", "quickstart", "--quiet", "--set", "workload.max_requests=100000000"};
}

/// The signal waits at the program's door: it is there before its first instruction.
Outcome signalled_at_once(const Workplace& place, std::vector<std::string> words, int signal) {
  const pid_t child = place.start(TERRACE_PROGRAM, std::move(words), {}, kEnding);
  kill(child, signal);
  return place.finish(child);
}

TEST(Interrupt, EndsEveryVerbFromItsFirstMomentOn) {
  const Workplace place;
  for (const int signal : kEnding) {
    for (const std::vector<std::string>& words :
         {long_run(), {"list", "gpus"}, {"calibrate", "--out", "x"}, {"calibrate", "lab"}}) {
      const Outcome outcome = signalled_at_once(place, words, signal);
      EXPECT_EQ(outcome.status, 130) << words.front();
      EXPECT_EQ(outcome.err, "terrace: stopped by a signal\n") << words.front();
      EXPECT_EQ(outcome.out, "");
    }
  }
}

TEST(Interrupt, WhatTheCallerIgnoresStaysIgnored) {
  const Workplace place;
  const pid_t child =
      place.start("/usr/bin/nohup", {TERRACE_PROGRAM, "list", "gpus"}, {}, {SIGHUP});
  kill(child, SIGHUP);
  const Outcome outcome = place.finish(child);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("h100-sxm"));
}

}  // namespace
}  // namespace terrace
