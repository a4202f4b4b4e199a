#include "sim/des/event_queue.hpp"

#include <random>
#include <utility>

#include <gtest/gtest.h>

namespace terrace {
namespace {

SimTime at(std::int64_t ps) { return SimTime{Duration{ps}}; }

TEST(EventQueue, DeliversInTimeOrder) {
  EventQueue<char> queue;
  queue.post(at(30), 'c');
  queue.post(at(10), 'a');
  queue.post(at(20), 'b');

  EXPECT_EQ(queue.pop()->what, 'a');
  EXPECT_EQ(queue.pop()->what, 'b');
  EXPECT_EQ(queue.pop()->what, 'c');
  EXPECT_FALSE(queue.pop());
}

TEST(EventQueue, KeepsPostingOrderWithinAnInstant) {
  EventQueue<char> queue;
  for (const char c : {'a', 'b', 'c'}) queue.post(at(7), c);
  EXPECT_EQ(queue.pop()->what, 'a');
  queue.post(at(7), 'd');  // posted during the instant itself: still last
  EXPECT_EQ(queue.pop()->what, 'b');
  EXPECT_EQ(queue.pop()->what, 'c');
  EXPECT_EQ(queue.pop()->what, 'd');
}

TEST(EventQueue, AnEventBeyondTheDeadlineStays) {
  EventQueue<char> queue;
  queue.post(at(100), 'z');
  EXPECT_FALSE(queue.pop(at(99)));
  queue.post(at(60), 'y');  // still allowed: looking ahead has moved nothing
  EXPECT_EQ(queue.pop(at(99))->what, 'y');
  EXPECT_EQ(queue.pop(at(100))->what, 'z');
}

TEST(EventQueue, RefusesThePast) {
  EventQueue<char> queue;
  queue.post(at(10), 'a');
  queue.pop();
  EXPECT_THROW(queue.post(at(9), 'b'), InvariantViolation);
}

/// The oracle: a queue too simple to be wrong.
struct SortedVector {
  std::vector<std::pair<SimTime, int>> events;

  void post(SimTime t, int id) {
    events.insert(std::upper_bound(events.begin(), events.end(), t,
                                   [](SimTime a, const auto& b) { return a < b.first; }),
                  {t, id});
  }
  std::pair<SimTime, int> pop() {
    const auto first = events.front();
    events.erase(events.begin());
    return first;
  }
};

TEST(EventQueue, AgreesWithASortedVector) {
  std::mt19937 random(20240607);  // NOLINT: a fixed seed is the point
  EventQueue<int> queue;
  SortedVector oracle;
  SimTime now{};
  for (int id = 0; id < 20'000; ++id) {
    if (random() % 5 < 3 || oracle.events.empty()) {
      const auto spread = std::int64_t{1} << (random() % 45);  // from ties to minutes
      const SimTime t = now + Duration{static_cast<std::int64_t>(random()) % spread};
      queue.post(t, id);
      oracle.post(t, id);
    } else {
      const auto expected = oracle.pop();
      const auto actual = queue.pop();
      ASSERT_TRUE(actual);
      ASSERT_EQ(std::pair(actual->at, actual->what), expected);
      now = actual->at;
    }
    ASSERT_EQ(queue.size(), oracle.events.size());
  }
}

}  // namespace
}  // namespace terrace
