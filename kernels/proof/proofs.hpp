#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/element.hpp"
#include "kernels/kernel_set.hpp"
#include "kernels/proof/tensor.hpp"

/// Whether a set computes what the reference does, by kind of kernel: each on small ragged shapes
/// with the cases at the edges (no token, one, a page and one more, a sequence that is divided), on
/// pages in no order, between slots and blocks that hold NaN.
///
/// How far it is off: the largest, over the rows of the result (a token's of one head, or one of
/// the product), of |result - reference| / |reference| in the Euclidean norm. So a head, a page or
/// a token that is left out is seen, and roundings that go either way are not added up. NaN is
/// infinitely far off. Throw Unsupported where the set has no such kernel, std::runtime_error if it
/// writes beside its result, and what the set throws.
namespace terrace::kernels::proof {

struct DecodeKernel {
  Element cached = Element::bf16;
  std::int64_t head_dim = 128;
  std::int64_t group = 1;  // query heads of a kv head
  bool windowed = false;

  auto operator<=>(const DecodeKernel&) const = default;
};
double deviation(KernelSet& set, KernelSet& reference, const DecodeKernel& kernel);

struct MlaDecodeKernel {
  std::int64_t heads = 16;

  auto operator<=>(const MlaDecodeKernel&) const = default;
};
double deviation(KernelSet& set, KernelSet& reference, const MlaDecodeKernel& kernel);

/// Of chunks, some of them behind a prefix.
struct PrefillKernel {
  Element cached = Element::bf16;
  std::int64_t head_dim = 128;
  std::int64_t group = 1;

  auto operator<=>(const PrefillKernel&) const = default;
};
double deviation(KernelSet& set, KernelSet& reference, const PrefillKernel& kernel);

struct GemmKernel {
  Element operands = Element::bf16;
  Element product = Element::bf16;
  Multiply multiply = Multiply::all_bits;

  auto operator<=>(const GemmKernel&) const = default;
};
double deviation(KernelSet& set, KernelSet& reference, const GemmKernel& kernel);

/// What moves bytes: the share of them that are not what they should be.
enum class BytesKernel : std::uint8_t { gather, scatter, copy, read, write };
double deviation(KernelSet& set, KernelSet& reference, BytesKernel kernel);

/// The largest distance of a row of `width` numbers, as above. REQUIRES: as many numbers.
double largest_distance(const Tensor& expected, const Tensor& actual, std::int64_t width);

/// The share of bytes that differ. REQUIRES: as many bytes.
double share_that_differs(std::span<const std::byte> expected, std::span<const std::byte> actual);

/// What roundings may explain: 1e-2 where operands have 16 bits or less, 1e-4 in fp32.
constexpr double bound_of(Element type) { return type == Element::fp32 ? 1e-4 : 1e-2; }

}  // namespace terrace::kernels::proof
