// How the CUDA kernels' work is divided: plain host code.

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cuda/cuda_set.hpp"
#include "kernels/cuda/device/machine.hpp"
#include "kernels/cuda/plan.hpp"
#include "kernels/cuda/transfers.hpp"
#include "tests/for_all.hpp"

namespace terrace::kernels::cuda {
namespace {

TEST(DecodePlan, CoversWhatEachSequenceSeesOnceInOrder) {
  terrace::tests::for_all([](std::uint64_t) {
    const auto lens = *rc::gen::container<std::vector<std::int32_t>>(
        rc::gen::element<std::int32_t>(0, 1, 255, 256, 257, 5000, 100'000));
    std::optional<std::int64_t> window;
    if (*rc::gen::arbitrary<bool>()) window = *rc::gen::element<std::int64_t>(1, 300, 1 << 20);
    const std::int64_t units = *rc::gen::element(1, 8, 500);
    const DecodePlan plan = plan_decode(lens, window, units, *rc::gen::element(1, 264));

    std::map<std::int32_t, std::vector<Chunk>> by_sequence;
    for (const Chunk& chunk : plan.chunks) by_sequence[chunk.sequence].push_back(chunk);
    RC_ASSERT(by_sequence.size() == lens.size());
    std::size_t several = 0;
    for (const auto& [sequence, chunks] : by_sequence) {
      const std::int64_t length = lens[static_cast<std::size_t>(sequence)];
      std::int64_t next = std::max<std::int64_t>(length - window.value_or(length), 0);
      for (const Chunk& chunk : chunks) {
        RC_ASSERT(chunk.first == next);
        RC_ASSERT(chunk.last > chunk.first || length == 0);
        RC_ASSERT((chunk.alone == 1) == (chunks.size() == 1));
        next = chunk.last;
      }
      RC_ASSERT(next == length);
      several += chunks.size() > 1 ? 1U : 0U;
    }
    RC_ASSERT(plan.parts.size() == several);
    for (const Parts& parts : plan.parts) {
      for (std::int32_t c = parts.first; c < parts.last; ++c) {
        RC_ASSERT(plan.chunks[static_cast<std::size_t>(c)].sequence == parts.sequence);
      }
      RC_ASSERT(static_cast<std::size_t>(parts.last - parts.first) ==
                by_sequence[parts.sequence].size());
    }
  });
}

TEST(DecodePlan, FillsTheDeviceWithOneLongSequenceAndLeavesManyShortOnesWhole) {
  EXPECT_GE(plan_decode(std::vector<std::int32_t>{131'072}, std::nullopt, 8, 264).chunks.size() * 8,
            264U);
  const std::vector<std::int32_t> many(512, 4096);
  EXPECT_EQ(plan_decode(many, std::nullopt, 8, 264).parts.size(), 0U);
}

TEST(DecodePlan, ChunksOfASequenceAreAboutTheSameSize) {
  const DecodePlan plan = plan_decode(std::vector<std::int32_t>{65'536}, std::nullopt, 8, 528);
  std::int32_t shortest = 65'536;
  std::int32_t longest = 0;
  for (const Chunk& chunk : plan.chunks) {
    shortest = std::min(shortest, chunk.last - chunk.first);
    longest = std::max(longest, chunk.last - chunk.first);
  }
  EXPECT_LE(plan.chunks.size() * 8, 528U) << "more than one turn";
  EXPECT_GE(plan.chunks.size() * 8, 480U);
  EXPECT_GE(shortest * 4, longest * 3);
}

TEST(DecodePlan, LeavesNoLongTailWhenTurnsDoNotComeOut) {
  // 600 blocks on 528 slots would be a second turn for 72.
  const std::vector<std::int32_t> lens(75, 16'384);
  const DecodePlan plan = plan_decode(lens, std::nullopt, 8, 528);
  const std::size_t blocks = plan.chunks.size() * 8;
  const std::size_t turns = (blocks + 527) / 528;
  EXPECT_GE(static_cast<double>(blocks), 0.9 * static_cast<double>(turns * 528));
}

TEST(DecodePlan, ChunksOfRaggedBatchesFollowTheirLengths) {
  std::vector<std::int32_t> lens(32, 1000);
  lens[0] = 100'000;
  const DecodePlan plan = plan_decode(lens, std::nullopt, 8, 528);
  ASSERT_EQ(plan.parts.size(), 1U);
  EXPECT_EQ(plan.parts[0].sequence, 0);
  for (const Chunk& chunk : plan.chunks) EXPECT_LE(chunk.last - chunk.first, 4096);
}

TEST(Fp8, IsFp16WithAnotherBias) {
  for (std::uint32_t pair = 0; pair < 0x1'0000; ++pair) {
    const std::uint32_t wide = small_fp16((pair & 0xffU) << 8U | (pair & 0xff00U) << 16U);
    for (const unsigned half : {0U, 1U}) {
      const auto bits = static_cast<std::uint8_t>(pair >> 8U * half);
      if ((bits & 0x7fU) == 0x7fU) continue;  // NaN
      const Fp16 small{static_cast<std::uint16_t>(wide >> 16U * half)};
      ASSERT_EQ(256 * to_float(small), to_float(Fp8E4m3{bits})) << pair;
    }
  }
}

TEST(PrefillPlan, CoversAllRowsTheLongestFirst) {
  const std::vector<std::int32_t> lens{500, 0, 300, 70};
  const std::vector<std::int32_t> indptr{0, 100, 100, 400, 401};
  PagedPrefill op;
  op.indptr = indptr;
  op.heads = 6;
  op.kv.kv_heads = 2;
  op.table.kv_lens = lens;
  const std::vector<RowRange> ranges = plan_prefill(op, 128);
  std::vector<int> covered(static_cast<std::size_t>(indptr.back()) * 3);
  std::int32_t before = 1 << 30;
  for (const RowRange& range : ranges) {
    const std::int32_t last = std::min(range.first + 128, range.rows);
    for (std::int32_t r = range.first; r < last; ++r) {
      ++covered[static_cast<std::size_t>(range.token * 3 + r)];
    }
    const std::int32_t position = range.position + range.first / 3;
    EXPECT_LE(position, before);
    before = position;
  }
  EXPECT_EQ(covered, std::vector<int>(covered.size(), 1));
}

TEST(CudaSet, SaysWhyThereIsNone) {
  if (why_no_cuda().empty()) GTEST_SKIP() << "there is a GPU";
  try {
    static_cast<void>(cuda_set());
    FAIL() << "made a set without a GPU";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), why_no_cuda());
  }
  EXPECT_THROW(static_cast<void>(cuda_transfers()), std::runtime_error);
}

TEST(CudaTransfers, MeasureEveryWay) {
  if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
  const auto transfers = cuda_transfers();
  for (const HostMemory memory :
       {HostMemory::pinned, HostMemory::registered, HostMemory::pageable}) {
    for (const Transfer way : {Transfer::to_device, Transfer::to_host, Transfer::both_ways}) {
      EXPECT_GT(transfers->copy(memory, way, Bytes{1 << 20}, 3).seconds, 0);
    }
  }
  for (const BlockPath path :
       {BlockPath::loop, BlockPath::batch, BlockPath::staged, BlockPath::zero_copy}) {
    for (const Transfer way : {Transfer::to_device, Transfer::to_host}) {
      try {
        EXPECT_GT(transfers->blocks({path, way, 1000, Bytes{4096}}, 2).seconds, 0);
      } catch (const Unsupported& e) {  // before CUDA 13
        EXPECT_EQ(path, BlockPath::batch) << e.what();
      }
    }
  }
  EXPECT_GT(transfers->empty_kernels(100, false).seconds, 0);
  EXPECT_GT(transfers->empty_kernels(100, true).seconds, 0);
}

}  // namespace
}  // namespace terrace::kernels::cuda
