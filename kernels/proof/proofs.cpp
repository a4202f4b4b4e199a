#include "kernels/proof/proofs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/block_copy.hpp"
#include "kernels/proof/operations.hpp"
#include "kernels/streams.hpp"
#include "sim/base/check.hpp"
#include "sim/base/shuffle.hpp"

namespace terrace::kernels::proof {
namespace {

constexpr std::int64_t kPage = 16;  // what is timed, too
constexpr std::uint64_t kSeed = 1;

/// So many that one can be left out; few where a head has many rows.
std::int64_t kv_heads(std::int64_t group) { return group >= 8 ? 1 : 2; }

template <class Operation>
double distance(KernelSet& set, KernelSet& reference, const Operation& operation, Element out,
                std::int64_t width) {
  return largest_distance(operation.run(reference), operation.run(set, out), width);
}

using ByteVector = std::vector<std::byte>;

/// A pool of blocks, half of them listed in no order, and what is staged of them.
struct Blocks {
  static constexpr std::int64_t kBlocks = 22;

  BlockFragments fragments;
  std::vector<std::int32_t> listed;
  ByteVector pool;
  ByteVector staged;

  /// Fragments with gaps between them.
  explicit Blocks(Bytes fragment) : listed(kBlocks) {
    const Bytes stride = fragment + Bytes{32};
    fragments = {fragment, 2, stride * 2 + Bytes{16}, stride};
    std::iota(listed.begin(), listed.end(), 0);
    Random random(kSeed, "proof/blocks");
    shuffle(listed, random);
    listed.resize(kBlocks / 2);
    pool =
        random_bytes(static_cast<std::size_t>(fragments.offset(kBlocks, 0)), random.fork("pool"));
    staged = random_bytes(listed.size() * static_cast<std::size_t>(fragment.count()) * 2,
                          random.fork("staged"));
  }

  [[nodiscard]] ByteVector gather(KernelSet& set) const {
    ByteVector out(staged.size(), std::byte{0xee});
    const Placed from(set, pool);
    const Result to(set, out);
    set.run(BlockGather{from.begin(), fragments, listed, {to.begin(), out.size()}});
    to.fetch(out);
    return out;
  }
  [[nodiscard]] ByteVector scatter(KernelSet& set) const {
    ByteVector out = pool;
    const Placed from(set, staged);
    const Result to(set, out);
    set.run(BlockScatter{{from.begin(), staged.size()}, fragments, listed, to.begin()});
    to.fetch(out);
    return out;
  }
};

ByteVector streamed(KernelSet& set, BytesKernel kernel, const ByteVector& bytes) {
  using Word = std::uint64_t;
  const Placed from(set, bytes);
  ByteVector out(kernel == BytesKernel::read ? sizeof(Word) : bytes.size(), std::byte{0xee});
  const Result to(set, out);
  auto* const words = reinterpret_cast<Word*>(to.begin());
  const std::size_t count = bytes.size() / sizeof(Word);
  if (kernel == BytesKernel::copy) {
    set.run(StreamCopy{{from.begin(), bytes.size()}, {to.begin(), out.size()}});
  } else if (kernel == BytesKernel::read) {
    set.run(StreamRead{{reinterpret_cast<const Word*>(from.begin()), count}, words});
  } else {
    set.run(StreamWrite{{words, count}, 0x0123456789abcdef});
  }
  to.fetch(out);
  return out;
}

}  // namespace

double deviation(KernelSet& set, KernelSet& reference, const DecodeKernel& kernel) {
  const CacheShape shape{kernel.cached, KvLayout::hnd, kv_heads(kernel.group), kernel.head_dim,
                         kPage};
  Decode decode(shape, {0, 1, 15, 17, 250, 1100}, shape.kv_heads * kernel.group, Element::bf16,
                Random(kSeed, "proof/decode"));
  if (kernel.windowed) decode.window = 100;
  return distance(set, reference, decode, Element::bf16, kernel.head_dim);
}

double deviation(KernelSet& set, KernelSet& reference, const MlaDecodeKernel& kernel) {
  std::vector<std::int32_t> lens{0, 1, 17, 60};
  if (kernel.heads <= 16) lens.push_back(600);
  const Mla mla(Element::bf16, lens, kPage, kernel.heads, Element::bf16,
                Random(kSeed, "proof/mla"));
  return distance(set, reference, mla, Element::bf16, Mla::kLatent);
}

double deviation(KernelSet& set, KernelSet& reference, const PrefillKernel& kernel) {
  const CacheShape shape{kernel.cached, KvLayout::hnd, kv_heads(kernel.group), kernel.head_dim,
                         kPage};
  const Prefill prefill(shape, {1, 20, 70, 150}, {1, 20, 70, 21}, shape.kv_heads * kernel.group,
                        Element::bf16, Random(kSeed, "proof/prefill"));
  return distance(set, reference, prefill, Element::bf16, kernel.head_dim);
}

double deviation(KernelSet& set, KernelSet& reference, const GemmKernel& kernel) {
  double most = 0;
  // Single rows have kernels of their own; others are cut into panels, which 80 and 144 do not
  // fill.
  for (const std::int64_t rows : {1, 16, 80}) {
    const Product product(kernel.operands, rows, 144, 528, Random(kSeed, "proof/gemm"));
    const Tensor expected = product.run(reference);
    const Tensor actual = product.run(set, kernel.product, kernel.multiply);
    most = std::max(most, largest_distance(expected, actual, product.n));
  }
  return most;
}

double deviation(KernelSet& set, KernelSet& reference, BytesKernel kernel) {
  double most = 0;
  for (const std::int64_t size : {16, 2048, 9232}) {  // some longer than a piece of work
    ByteVector expected;
    ByteVector actual;
    if (kernel == BytesKernel::gather || kernel == BytesKernel::scatter) {
      const Blocks blocks{Bytes{size}};
      const bool gathers = kernel == BytesKernel::gather;
      expected = gathers ? blocks.gather(reference) : blocks.scatter(reference);
      actual = gathers ? blocks.gather(set) : blocks.scatter(set);
    } else {
      const ByteVector bytes =
          random_bytes(static_cast<std::size_t>(size) * 65, Random(kSeed, "proof/stream"));
      expected = streamed(reference, kernel, bytes);
      actual = streamed(set, kernel, bytes);
    }
    most = std::max(most, share_that_differs(expected, actual));
  }
  return most;
}

double largest_distance(const Tensor& expected, const Tensor& actual, std::int64_t width) {
  TERRACE_CHECK(expected.count() == actual.count() && width > 0);
  double most = 0;
  for (std::int64_t row = 0; row < expected.count(); row += width) {
    double off = 0;
    double length = 0;
    for (std::int64_t i = row; i < row + width; ++i) {
      off += std::pow(actual.at(i) - expected.at(i), 2);
      length += std::pow(expected.at(i), 2);
    }
    double ratio = 0;
    if (off != 0) ratio = std::sqrt(off / length);  // infinite where zeros belong
    if (std::isnan(ratio)) ratio = std::numeric_limits<double>::infinity();
    most = std::max(most, ratio);
  }
  return most;
}

double share_that_differs(std::span<const std::byte> expected, std::span<const std::byte> actual) {
  TERRACE_CHECK(expected.size() == actual.size() && !expected.empty());
  std::size_t other = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) other += expected[i] != actual[i] ? 1U : 0U;
  return static_cast<double>(other) / static_cast<double>(expected.size());
}

}  // namespace terrace::kernels::proof
