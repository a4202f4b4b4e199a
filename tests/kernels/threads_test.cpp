#include "kernels/cpu/threads.hpp"

#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"

namespace terrace::kernels::cpu {
namespace {

TEST(Threads, DoEachPieceOnceCallAfterCall) {
  for (const int count : {1, 2, 5}) {
    Threads threads(count);
    for (std::size_t pieces = 0; pieces < 300; ++pieces) {
      std::vector<int> done(pieces);
      threads.run(pieces, [&](std::size_t piece) { ++done[piece]; });
      EXPECT_EQ(done, std::vector<int>(pieces, 1));
    }
  }
}

TEST(Threads, WorkAtTheSameTime) {
  Threads threads(3);
  std::atomic<int> here{0};
  threads.run(3, [&](std::size_t) {
    ++here;
    while (here < 3) std::this_thread::yield();  // for ever, if one thread did two pieces
  });
  EXPECT_EQ(here, 3);
}

TEST(Threads, PassOnWhatAPieceThrowsAndGoOn) {
  for (const int count : {1, 4}) {
    Threads threads(count);
    std::atomic<int> begun{0};
    EXPECT_THROW(threads.run(1'000'000,
                             [&](std::size_t piece) {
                               ++begun;
                               if (piece == 10) throw std::runtime_error("broken");
                             }),
                 std::runtime_error);
    EXPECT_LT(begun, 1'000'000);
    begun = 0;
    threads.run(20, [&](std::size_t) { ++begun; });
    EXPECT_EQ(begun, 20);
  }
}

TEST(Threads, AreAtLeastOne) { EXPECT_THROW(Threads(0), InvariantViolation); }

}  // namespace
}  // namespace terrace::kernels::cpu
