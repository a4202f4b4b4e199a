// Loads that go on for longer than simulated time does: 2^63 picoseconds, 9.22e6 s.

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "sim/des/event_loop.hpp"
#include "tests/workload/toy_server.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;
using test::plain_client;
using test::ToyServer;

struct Served {
  std::size_t requests = 0;
  std::string error;        // none: the load came to its end
  bool before_run = false;  // the error came before any request
};

Served serve(const WorkloadSpec& spec) {
  Served served;
  try {
    served.before_run = true;
    const auto workload = make_synthetic(spec, 1);
    served.before_run = false;
    ToyServer(*workload).serve(
        1'000'000, [&](const Arrival&) { ++served.requests; },
        [](const Arrival&) { return Duration{1s}; });
  } catch (const EndOfTime& e) {
    served.error = e.what();
  }
  return served;
}

ClientSpec every_million_seconds() {
  ClientSpec client = plain_client("slow");
  client.arrivals.process = ArrivalLaw::deterministic;
  client.arrivals.rate = Frequency{1e-6};
  return client;
}

bool says(const Served& served, std::string_view words) {
  return served.error.find(words) != std::string::npos;
}

// Requests 0 to 9 come at 0 to 9e6 s, request 10 would come at 1e7 s.
TEST(LoadClock, TenRequestsFitAndElevenAreRefusedBeforeTheRun) {
  const Served ten = serve({{every_million_seconds()}, 10, {}});
  EXPECT_EQ(ten.error, "");
  EXPECT_EQ(ten.requests, 10U);

  const Served eleven = serve({{every_million_seconds()}, 11, {}});
  EXPECT_TRUE(eleven.before_run);
  EXPECT_TRUE(says(eleven, "workload.clients[0].arrivals.rate")) << eleven.error;
  EXPECT_TRUE(says(eleven, "workload.max_requests")) << eleven.error;

  ClientSpec own = every_million_seconds();
  own.max_requests = 11;
  const Served by_client = serve({{own}, {}, {}});
  EXPECT_TRUE(by_client.before_run);
  EXPECT_TRUE(says(by_client, "workload.clients[0].max_requests")) << by_client.error;
}

// Chance decides: 9 exponential gaps of 1e6 s may take more or less than 9.22e6 s.
TEST(LoadClock, WhatChanceDecidesFailsWhenItHappens) {
  WorkloadSpec spec{{plain_client("slow")}, 40, {}};
  spec.clients[0].arrivals.rate = Frequency{1e-6};
  const Served served = serve(spec);
  EXPECT_FALSE(served.before_run);
  EXPECT_GT(served.requests, 0U);
  EXPECT_LT(served.requests, 40U);
  EXPECT_TRUE(says(served, "client 'slow'")) << served.error;
  EXPECT_TRUE(says(served, "workload.clients[0].arrivals.rate")) << served.error;
}

TEST(LoadClock, DurationEndsALoadBeforeTheClock) {
  const Served served = serve({{every_million_seconds()}, {}, Duration{3'000'000s}});
  EXPECT_EQ(served.error, "");
  EXPECT_EQ(served.requests, 3U);
}

// The fast client fills the count that both share; whether the slow one sends is of no matter.
TEST(LoadClock, OthersMayFillTheCount) {
  EXPECT_EQ(serve({{every_million_seconds(), plain_client("fast")}, 500, {}}).error, "");

  // Bounds of the clients end it before the common one does.
  ClientSpec few = every_million_seconds();
  few.max_requests = 2;
  const Served served = serve({{few}, 1'000'000, {}});
  EXPECT_EQ(served.error, "");
  EXPECT_EQ(served.requests, 2U);

  // One has more to send than time allows, though the other has long finished.
  ClientSpec fast = plain_client("fast");
  fast.max_requests = 100;
  const Served slow = serve({{fast, every_million_seconds()}, 200, {}});
  EXPECT_EQ(slow.requests, 110U);
  EXPECT_TRUE(says(slow, "workload.clients[1].arrivals.rate")) << slow.error;
}

// One user: at 0, at 60 days, and never again; while the request is served, all is open.
TEST(LoadClock, PausesOfClosedLoops) {
  ClientSpec loop = plain_client("loop");
  loop.arrivals.process = ArrivalLaw::closed_loop;
  loop.arrivals.think.mean = Duration{60 * 86400s};
  EXPECT_EQ(serve({{loop}, 2, {}}).error, "");
  const Served third = serve({{loop}, 3, {}});
  EXPECT_EQ(third.requests, 2U);
  EXPECT_TRUE(says(third, "workload.clients[0].arrivals.think")) << third.error;
}

}  // namespace
}  // namespace terrace
