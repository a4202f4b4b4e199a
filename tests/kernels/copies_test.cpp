// Streams, and blocks on their way between paged memory and a staging buffer.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/reference/reference_set.hpp"
#include "sim/base/check.hpp"
#include "sim/base/random.hpp"
#include "tests/for_all.hpp"
#include "tests/kernels/subjects.hpp"
#ifdef TERRACE_SIMT
#include "tests/kernels/simt/simt_set.hpp"
#endif

namespace terrace::kernels {
namespace {

using ByteVector = std::vector<std::byte>;

ByteVector random_bytes(std::int64_t count, const Random& random) {
  return proof::random_bytes(static_cast<std::size_t>(count), random);
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

ByteVector gathered(KernelSet& set, const Pool& pool) {
  ByteVector staging(pool.staged(), std::byte{0xee});
  const proof::Placed from(set, pool.bytes);
  const proof::Placed to(set, staging);
  set.run(BlockGather{from.begin(), pool.fragments, pool.listed, {to.begin(), staging.size()}});
  to.fetch(staging);
  return staging;
}

/// `into` after the blocks of `pool` were scattered to it from `staging`.
ByteVector scattered(KernelSet& set, const Pool& pool, const ByteVector& staging, ByteVector into) {
  const proof::Placed from(set, staging);
  const proof::Placed to(set, into);
  set.run(BlockScatter{{from.begin(), staging.size()}, pool.fragments, pool.listed, to.begin()});
  to.fetch(into);
  return into;
}

class BlockCopiesOn : public tests::OnEachSet {};

TEST_P(BlockCopiesOn, AreWhatTheReferenceSays) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        const std::int64_t size = *rc::gen::element(1, 7, 64, 4096);
        const std::int64_t count = *rc::gen::element(1, 2, 5);
        const std::int64_t blocks = *rc::gen::inRange<std::int64_t>(1, 20);
        const std::int64_t listed = *rc::gen::inRange<std::int64_t>(0, blocks + 1);
        Pool pool(size, count, blocks, listed, Random(seed, "blocks"));
        if (*rc::gen::arbitrary<bool>()) pool.by_fragment(blocks);

        ReferenceSet reference;
        const ByteVector expected = gathered(reference, pool);
        // Scattered into other pools, which must stay as they are but for the listed blocks.
        const ByteVector other(pool.bytes.size(), std::byte{0xcc});
        const ByteVector by_reference = scattered(reference, pool, expected, other);
        for (const tests::Alike& sets : subject().make()) {
          for (const auto& set : sets) {
            RC_ASSERT(gathered(*set, pool) == expected);
            RC_ASSERT(scattered(*set, pool, expected, other) == by_reference);
          }
        }
        RC_ASSERT(
            std::equal(by_reference.begin(), by_reference.end(), pool.bytes.begin(),
                       [](auto now, auto then) { return now == then || now == std::byte{0xcc}; }));
        Pool again = pool;
        again.bytes = by_reference;
        RC_ASSERT(gathered(reference, again) == expected);
      },
      subject().cases(100));
}

TEST_P(BlockCopiesOn, AreCutIntoPieces) {
  const Pool pool(70'000, 1, 50, 47, Random(1, "pieces"));
  ReferenceSet reference;
  EXPECT_EQ(gathered(reference, pool), gathered(*subject().make().back().back(), pool));
}

TEST(ReferenceBlockCopies, AreInTheOrderOfTheList) {
  Pool pool(2, 2, 3, 0, Random(1, "order"));
  pool.listed = {2, 0};
  ByteVector staging(8);
  ReferenceSet reference;
  reference.run(BlockGather{pool.bytes.data(), pool.fragments, pool.listed, staging});
  // Fragments of 2 bytes each 5 bytes, blocks each 15.
  const std::vector<std::size_t> places{30, 31, 35, 36, 0, 1, 5, 6};
  for (std::size_t i = 0; i < places.size(); ++i) EXPECT_EQ(staging[i], pool.bytes[places[i]]);
}

TEST_P(BlockCopiesOn, RefuseAStagingBufferOfAnotherSize) {
  Pool pool(4, 1, 2, 2, Random(1, "size"));
  const auto set = subject().one();
  const proof::Placed memory(*set, pool.bytes);
  const std::span<std::byte> staging(memory.begin(), pool.staged() + 1);
  EXPECT_THROW(static_cast<void>(
                   set->prepare(BlockGather{memory.begin(), pool.fragments, pool.listed, staging})),
               InvariantViolation);
  EXPECT_THROW(static_cast<void>(set->prepare(
                   BlockScatter{staging, pool.fragments, pool.listed, memory.begin()})),
               InvariantViolation);
}

void expect_streams(KernelSet& set, std::int64_t words) {
  const ByteVector bytes = random_bytes(words * 8, Random(1, "stream"));
  std::vector<std::uint64_t> copied(static_cast<std::size_t>(words) + 1, 17);
  const std::size_t size = bytes.size();
  const auto host = std::as_writable_bytes(std::span(copied));
  const proof::Placed from(set, bytes);
  const proof::Placed to(set, host);
  set.run(StreamCopy{{from.begin(), size}, {to.begin(), size}});
  to.fetch(host);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), host.begin()));
  EXPECT_EQ(copied.back(), 17);

  std::uint64_t sum = 1;
  const auto host_sum = std::as_writable_bytes(std::span(&sum, 1));
  const proof::Placed device_sum(set, host_sum);
  auto* const numbers = reinterpret_cast<std::uint64_t*>(to.begin());
  set.run(
      StreamRead{{numbers, copied.size()}, reinterpret_cast<std::uint64_t*>(device_sum.begin())});
  device_sum.fetch(host_sum);
  EXPECT_EQ(sum, std::accumulate(copied.begin(), copied.end(), std::uint64_t{0}));

  set.run(StreamWrite{{numbers, copied.size() - 1}, 0xabcdef});
  to.fetch(host);
  EXPECT_EQ(std::count(copied.begin(), copied.end(), 0xabcdefU), words);
  EXPECT_EQ(copied.back(), 17);
}

constexpr std::int64_t kStreamWords[] = {0, 1, 1000, 131'072, 131'073, 400'000};

TEST(ReferenceStreams, TouchEveryByteOnce) {
  ReferenceSet reference;
  for (const std::int64_t words : kStreamWords) expect_streams(reference, words);
}

class StreamsOn : public tests::OnEachSet {};

TEST_P(StreamsOn, TouchEveryByteOnce) {
  for (const tests::Alike& sets : subject().make()) {
    for (const auto& set : sets) {
      for (const std::int64_t words : kStreamWords) expect_streams(*set, words);
    }
  }
}

TEST_P(StreamsOn, CopyWhatIsNotAMultipleOfAVector) {
  const auto set = subject().one();
  for (const std::int64_t count : {1, 7, 15, 17, 4097}) {
    const ByteVector bytes = random_bytes(count, Random(1, "odd"));
    ByteVector out(bytes.size() + 1);
    const proof::Placed from(*set, bytes);
    const proof::Placed to(*set, out);
    set->run(StreamCopy{{from.begin(), bytes.size()}, {to.begin(), bytes.size()}});
    to.fetch(out);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), out.begin())) << count;
    EXPECT_EQ(out.back(), std::byte{0});
  }
}

#ifdef TERRACE_SIMT
TEST(NarrowCopies, AreWholeWithFewBlocks) {
  for (const std::int64_t most : {1, 3}) {
    for (const std::int64_t count : {1, 17, 70'001, 400'000}) {
      const ByteVector bytes = random_bytes(count, Random(1, "narrow"));
      ByteVector out(bytes.size() + 1);
      const std::int64_t blocks =
          simt::copy_narrowly(1, {bytes, std::span(out).first(bytes.size())}, most);
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), out.begin())) << count;
      EXPECT_EQ(out.back(), std::byte{0});
      EXPECT_EQ(blocks, count < 20 ? 1 : most) << count;
    }
  }
}
#endif

TEST_P(StreamsOn, RefuseACopyToAnotherSize) {
  const auto set = subject().one();
  const ByteVector bytes(21);
  const proof::Placed memory(*set, bytes);
  EXPECT_THROW(
      static_cast<void>(set->prepare(StreamCopy{{memory.begin(), 10}, {memory.begin() + 10, 11}})),
      InvariantViolation);
}

class SetsOfKernels : public tests::OnEachSet {};

TEST_P(SetsOfKernels, StartPreparedOperationsInTurnAndKeepTheirIndices) {
  const auto set = subject().one();
  const Pool pool(64, 1, 8, 8, Random(1, "turn"));
  const proof::Placed memory(*set, pool.bytes);
  ByteVector staging(128);
  const proof::Placed staged(*set, staging);
  std::vector<Start> gathers;
  for (const std::int32_t block : {3, 5}) {
    const std::vector<std::int32_t> list{block};  // which goes before anything is started
    gathers.push_back(set->prepare(BlockGather{
        memory.begin(), pool.fragments, list, {staged.begin() + 64 * gathers.size(), 64}}));
  }
  EXPECT_GT(set->seconds(gathers, 3), 0);
  staged.fetch(staging);
  for (std::size_t i = 0; i < 64; ++i) {
    const auto place = static_cast<std::size_t>(pool.fragments.offset(3, 0)) + i;
    EXPECT_EQ(staging[i], pool.bytes[place]);
    EXPECT_EQ(staging[64 + i],
              pool.bytes[static_cast<std::size_t>(pool.fragments.offset(5, 0)) + i]);
  }
}

TEST_P(SetsOfKernels, SayWhatTheyAre) {
  const auto set = subject().one();
  EXPECT_FALSE(set->description().empty());
  EXPECT_GT(set->free_memory().count(), 0);
  EXPECT_GT(set->cache().count(), 0);
  const auto memory = set->allocate(Bytes{1000});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 256, 0);
}

INSTANTIATE_TEST_SUITE_P(Sets, BlockCopiesOn, ::testing::ValuesIn(tests::subjects()),
                         tests::name_of);
INSTANTIATE_TEST_SUITE_P(Sets, StreamsOn, ::testing::ValuesIn(tests::subjects()), tests::name_of);
INSTANTIATE_TEST_SUITE_P(Sets, SetsOfKernels, ::testing::ValuesIn(tests::subjects()),
                         tests::name_of);

}  // namespace
}  // namespace terrace::kernels
