#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace terrace::kernels {

// What a memory can do at best: each byte is touched once, in order.

/// REQUIRES: spans of one size that do not overlap.
struct StreamCopy {
  std::span<const std::byte> from;
  std::span<std::byte> to;
};

/// The sum of all words, modulo 2^64, so that reading cannot be left out.
struct StreamRead {
  std::span<const std::uint64_t> from;
  std::uint64_t* sum = nullptr;
};

struct StreamWrite {
  std::span<std::uint64_t> to;
  std::uint64_t word = 0;
};

/// Throws InvariantViolation if the sizes differ.
void check(const StreamCopy& op);

}  // namespace terrace::kernels
