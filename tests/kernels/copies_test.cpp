// Streams, and blocks on their way between paged memory and a staging buffer.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/reference/reference_set.hpp"
#include "sim/base/check.hpp"
#include "sim/base/random.hpp"
#include "tests/for_all.hpp"

namespace terrace::kernels {
namespace {

using ByteVector = std::vector<std::byte>;

ByteVector random_bytes(std::int64_t count, Random random) {
  ByteVector bytes(static_cast<std::size_t>(count));
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
  return bytes;
}

/// A pool whose fragments have gaps between them, and some of its blocks in no order.
struct Pool {
  BlockFragments fragments;
  ByteVector bytes;
  std::vector<std::int32_t> listed;

  Pool(std::int64_t size, std::int64_t count, std::int64_t blocks, std::int64_t listed_,
       Random random) {
    const std::int64_t stride = size + 3;
    fragments = {Bytes{size}, count, Bytes{stride * count + 5}, Bytes{stride}};
    bytes = random_bytes(fragments.offset(blocks, 0), random.fork("pool"));
    listed.resize(static_cast<std::size_t>(blocks));
    std::iota(listed.begin(), listed.end(), 0);
    for (std::size_t i = listed.size(); i > 1; --i) {
      std::swap(listed[i - 1], listed[random.below(i)]);
    }
    listed.resize(static_cast<std::size_t>(listed_));
  }
  /// Other layouts of pools: the fragments of all blocks together, as where each layer has its own.
  void by_fragment(std::int64_t blocks) {
    fragments.block_stride = fragments.size + Bytes{1};
    fragments.fragment_stride = fragments.block_stride * blocks;
    bytes.resize(static_cast<std::size_t>(fragments.offset(0, fragments.count)));
  }

  [[nodiscard]] std::size_t staged() const {
    return listed.size() * static_cast<std::size_t>(fragments.size.count() * fragments.count);
  }
};

TEST(BlockCopies, AreWhatTheReferenceSays) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        const std::int64_t size = *rc::gen::element(1, 7, 64, 4096);
        const std::int64_t count = *rc::gen::element(1, 2, 5);
        const std::int64_t blocks = *rc::gen::inRange<std::int64_t>(1, 20);
        const std::int64_t listed = *rc::gen::inRange<std::int64_t>(0, blocks + 1);
        Pool pool(size, count, blocks, listed, Random(seed, "blocks"));
        if (*rc::gen::arbitrary<bool>()) pool.by_fragment(blocks);

        ReferenceSet reference;
        CpuSet cpu(3);
        ByteVector expected(pool.staged());
        ByteVector actual(pool.staged(), std::byte{0xee});
        reference.run(BlockGather{pool.bytes.data(), pool.fragments, pool.listed, expected});
        cpu.run(BlockGather{pool.bytes.data(), pool.fragments, pool.listed, actual});
        RC_ASSERT(expected == actual);

        // Scattered into other pools, which must stay as they are but for the listed blocks.
        ByteVector by_reference(pool.bytes.size(), std::byte{0xcc});
        ByteVector by_cpu = by_reference;
        reference.run(BlockScatter{actual, pool.fragments, pool.listed, by_reference.data()});
        cpu.run(BlockScatter{actual, pool.fragments, pool.listed, by_cpu.data()});
        RC_ASSERT(by_reference == by_cpu);
        RC_ASSERT(
            std::equal(by_cpu.begin(), by_cpu.end(), pool.bytes.begin(),
                       [](auto now, auto then) { return now == then || now == std::byte{0xcc}; }));
        ByteVector again(pool.staged());
        reference.run(BlockGather{by_cpu.data(), pool.fragments, pool.listed, again});
        RC_ASSERT(again == actual);
      },
      100);
}

TEST(BlockCopies, AreCutIntoPieces) {
  const Pool pool(70'000, 1, 50, 47, Random(1, "pieces"));
  ReferenceSet reference;
  CpuSet cpu(3);
  ByteVector expected(pool.staged());
  ByteVector actual(pool.staged());
  reference.run(BlockGather{pool.bytes.data(), pool.fragments, pool.listed, expected});
  cpu.run(BlockGather{pool.bytes.data(), pool.fragments, pool.listed, actual});
  EXPECT_EQ(expected, actual);
}

TEST(BlockCopies, AreInTheOrderOfTheList) {
  Pool pool(2, 2, 3, 0, Random(1, "order"));
  pool.listed = {2, 0};
  ByteVector staging(8);
  ReferenceSet reference;
  reference.run(BlockGather{pool.bytes.data(), pool.fragments, pool.listed, staging});
  // Fragments of 2 bytes each 5 bytes, blocks each 15.
  const std::vector<std::size_t> places{30, 31, 35, 36, 0, 1, 5, 6};
  for (std::size_t i = 0; i < places.size(); ++i) EXPECT_EQ(staging[i], pool.bytes[places[i]]);
}

TEST(BlockCopies, RefuseAStagingBufferOfAnotherSize) {
  Pool pool(4, 1, 2, 2, Random(1, "size"));
  ByteVector staging(pool.staged() + 1);
  CpuSet cpu(1);
  EXPECT_THROW(cpu.run(BlockGather{pool.bytes.data(), pool.fragments, pool.listed, staging}),
               InvariantViolation);
  EXPECT_THROW(cpu.run(BlockScatter{staging, pool.fragments, pool.listed, pool.bytes.data()}),
               InvariantViolation);
}

TEST(Streams, TouchEveryByteOnce) {
  ReferenceSet reference;
  CpuSet one(1);
  CpuSet three(3);
  for (KernelSet* set : {static_cast<KernelSet*>(&reference), static_cast<KernelSet*>(&one),
                         static_cast<KernelSet*>(&three)}) {
    for (const std::int64_t words : {0, 1, 1000, 131'072, 131'073, 400'000}) {
      const ByteVector bytes = random_bytes(words * 8, Random(1, "stream"));
      std::vector<std::uint64_t> copied(static_cast<std::size_t>(words) + 1, 17);
      const auto target = std::as_writable_bytes(std::span(copied)).first(bytes.size());
      set->run(StreamCopy{bytes, target});
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), target.begin()));
      EXPECT_EQ(copied.back(), 17);

      std::uint64_t sum = 1;
      set->run(StreamRead{copied, &sum});
      EXPECT_EQ(sum, std::accumulate(copied.begin(), copied.end(), std::uint64_t{0}));

      set->run(StreamWrite{std::span(copied).first(copied.size() - 1), 0xabcdef});
      EXPECT_EQ(std::count(copied.begin(), copied.end(), 0xabcdefU), words);
      EXPECT_EQ(copied.back(), 17);
    }
  }
}

TEST(Streams, RefuseACopyToAnotherSize) {
  ByteVector from(10);
  ByteVector to(11);
  CpuSet cpu(1);
  EXPECT_THROW(cpu.run(StreamCopy{from, to}), InvariantViolation);
}

}  // namespace
}  // namespace terrace::kernels
