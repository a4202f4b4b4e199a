#include "sim/cost/execution.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace terrace {
namespace {

TEST(Execution, CapturesTheSizesThatVllmLists) {
  EXPECT_EQ(capture_sizes(0), (std::vector<std::int64_t>{}));
  EXPECT_EQ(capture_sizes(3), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(capture_sizes(31), (std::vector<std::int64_t>{1, 2, 4, 8, 16, 24}));
  const std::vector<std::int64_t> all = capture_sizes(512);
  ASSERT_EQ(all.size(), 51U);  // as vLLM's log says: 3 up to 4, 31 up to 248, 17 up to 512
  EXPECT_EQ(all[33], 248);
  EXPECT_EQ(all[34], 256);
  EXPECT_EQ(all[35], 272);
  EXPECT_EQ(all.back(), 512);
}

TEST(Execution, CapturesTwiceWhatRunsUnlessToldOtherwise) {
  EXPECT_EQ(capture_limit({}, 16, 8192), 32);
  EXPECT_EQ(capture_limit({}, 256, 8192), 512);
  EXPECT_EQ(capture_limit({}, 1'000'000, 8192), 512);
  EXPECT_EQ(capture_limit({}, 1024, 100), 100);
  ExecutionSpec execution;
  execution.max_cudagraph_capture_size = 48;
  EXPECT_EQ(capture_limit(execution, 256, 8192), 48);
  execution.cuda_graphs = false;
  EXPECT_EQ(capture_limit(execution, 256, 8192), 0);
}

}  // namespace
}  // namespace terrace
