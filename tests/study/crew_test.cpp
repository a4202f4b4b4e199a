#include "sim/study/crew.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace terrace {
namespace {

using namespace std::chrono_literals;

void wait_for(Crew& crew) {
  while (crew.working(1ms)) {
  }
}

TEST(Crew, DoesEveryPieceOnce) {
  for (const std::size_t jobs : {0U, 1U, 3U, 200U}) {
    std::array<std::atomic<int>, 100> done{};
    Crew crew(done.size(), jobs, [&](std::size_t i, const std::stop_token&) { ++done.at(i); });
    wait_for(crew);
    for (const auto& times : done) EXPECT_EQ(times, 1);
    EXPECT_FALSE(crew.stopped());
  }
}

TEST(Crew, OfNoPiecesIsDone) {
  Crew crew(0, 4, [](std::size_t, const std::stop_token&) { FAIL(); });
  EXPECT_FALSE(crew.working(0ms));
}

TEST(Crew, TellsOfTheFirstFailureInOrderOfPiecesAndStops) {
  std::atomic<bool> second_failed = false;
  std::atomic<int> begun = 0;
  Crew crew(1000, 2, [&](std::size_t i, const std::stop_token& stop) {
    ++begun;
    if (i == 0) {
      while (!second_failed || !stop.stop_requested()) std::this_thread::yield();
    } else {
      second_failed = true;
    }
    throw std::runtime_error(std::to_string(i));
  });
  try {
    wait_for(crew);
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "0");
  }
  EXPECT_EQ(begun, 2);
  EXPECT_TRUE(crew.stopped());
}

TEST(Crew, ToldToStopBeginsNothingMore) {
  std::atomic<int> begun = 0;
  Crew crew(1000, 2, [&](std::size_t, const std::stop_token& stop) {
    ++begun;
    while (!stop.stop_requested()) std::this_thread::yield();
  });
  EXPECT_TRUE(crew.working(0ms));
  crew.stop();
  wait_for(crew);
  EXPECT_LE(begun, 2);
}

TEST(Crew, FinishesUnlessItIsToldNotToGoOn) {
  const auto idle = [](std::size_t, const std::stop_token&) {};
  EXPECT_TRUE(Crew(100, 2, idle).finish([] { return true; }));

  const auto endless = [](std::size_t, const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
  };
  int asked = 0;
  EXPECT_FALSE(Crew(100, 2, endless).finish([&] { return ++asked < 2; }));
  EXPECT_GE(asked, 2);
  const auto broken = [](std::size_t, const std::stop_token&) { throw std::runtime_error("no"); };
  EXPECT_THROW(Crew(100, 2, broken).finish([] { return true; }), std::runtime_error);
}

}  // namespace
}  // namespace terrace
