#include "tests/kernels/simt/machine.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace terrace::kernels::simt {
namespace {

void require_alignment(const void* p) {
  if (std::bit_cast<std::uintptr_t>(p) % 16 != 0) {
    throw std::logic_error("an access to 16 bytes that are not aligned");
  }
}

std::uint64_t bits_of(const void* p) { return std::bit_cast<std::uintptr_t>(p); }

template <class T>
T read(std::uint64_t address) {
  T x;
  std::memcpy(&x, std::bit_cast<const void*>(address), sizeof x);
  return x;
}

template <class T>
float half_of(std::uint64_t word, std::size_t upper) {
  return to_float(T{static_cast<std::uint16_t>(word >> (16 * upper))});
}

/// PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type": a lane's groupID is lane
/// / 4, its threadID_in_group lane % 4. Element i of
///   A is at row groupID for 0 <= i < 2 and 4 <= i < 6, else groupID + 8, and column
///     threadID_in_group * 2 + (i & 1), plus 8 for i >= 4;
///   B is at row threadID_in_group * 2 + (i & 1), plus 8 for i >= 2, and column groupID;
///   C and D are at row groupID for i < 2, else groupID + 8, column threadID_in_group * 2 + (i &
///   1).
/// Words hold two elements, the even one in the lower half. Of what a lane gives, words 0 to 3 are
/// A's, 4 and 5 are B's, 6 and 7 C's, two numbers each.
template <class T>
void multiply(Exchange& x) {
  float a[16][16];
  float b[16][8];
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const std::size_t group = lane / 4;
    const std::size_t in_group = lane % 4;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t row = i < 2 || (i >= 4 && i < 6) ? group : group + 8;
      const std::size_t column = in_group * 2 + (i & 1U) + (i >= 4 ? 8 : 0);
      a[row][column] = half_of<T>(x.given[lane][i / 2], i % 2);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t row = in_group * 2 + (i & 1U) + (i >= 2 ? 8 : 0);
      b[row][group] = half_of<T>(x.given[lane][4 + i / 2], i % 2);
    }
  }
  float product[16][8] = {};
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t k = 0; k < 16; ++k) {
      for (std::size_t column = 0; column < 8; ++column) {
        product[row][column] += a[row][k] * b[k][column];
      }
    }
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t row = i < 2 ? lane / 4 : lane / 4 + 8;
      const auto c = static_cast<std::uint32_t>(x.given[lane][6 + i / 2] >> (32 * (i % 2)));
      const float d = std::bit_cast<float>(c) + product[row][lane % 4 * 2 + (i & 1U)];
      x.got[lane][i] = std::bit_cast<std::uint32_t>(d);
    }
  }
}

template <class T>
void multiply_add_as(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  const auto pair = [](float lo, float hi) {
    return std::uint64_t{std::bit_cast<std::uint32_t>(lo)} |
           std::uint64_t{std::bit_cast<std::uint32_t>(hi)} << 32U;
  };
  const auto lane = static_cast<std::size_t>(Machine::thread() % kLanes);
  const Exchange& done = running()->exchange(
      {a[0], a[1], a[2], a[3], b[0], b[1], pair(d[0], d[1]), pair(d[2], d[3])}, multiply<T>);
  for (std::size_t i = 0; i < 4; ++i) d[i] = std::bit_cast<float>(done.got[lane][i]);
}

/// ldmatrix .x4: lanes 8i to 8i + 7 give the rows of matrix i, and each lane gets a word of each:
/// row lane / 4, elements 2 (lane % 4) and the next; transposed: column lane / 4.
void read_matrices(Exchange& x, bool transposed) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t pair = 2 * (lane % 4);
      if (transposed) {
        const auto low = read<std::uint16_t>(x.given[8 * i + pair][0] + 2 * (lane / 4));
        const auto high = read<std::uint16_t>(x.given[8 * i + pair + 1][0] + 2 * (lane / 4));
        x.got[lane][i] = low | std::uint32_t{high} << 16U;
      } else {
        x.got[lane][i] = read<std::uint32_t>(x.given[8 * i + lane / 4][0] + 2 * pair);
      }
    }
  }
}

void matrices_of(std::uint32_t (&r)[4], const void* row, bool transposed) {
  require_alignment(row);
  const auto lane = static_cast<std::size_t>(Machine::thread() % kLanes);
  const Exchange& done = running()->exchange(
      {bits_of(row)}, [transposed](Exchange& x) { read_matrices(x, transposed); });
  for (std::size_t i = 0; i < 4; ++i) r[i] = done.got[lane][i];
}

}  // namespace

void Machine::sync_warp() {
  running()->exchange({}, [](Exchange&) {});
}

std::uint64_t Machine::shuffle_xor(std::uint64_t x, int mask) {
  const auto other = static_cast<std::size_t>((thread() % kLanes) ^ mask);
  return running()->exchange({x}, [](Exchange&) {}).given[other][0];
}
float Machine::shuffle_xor(float x, int mask) {
  const std::uint64_t bits = shuffle_xor(std::uint64_t{std::bit_cast<std::uint32_t>(x)}, mask);
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

void Machine::copy16_async(void* to, const void* from, bool seen) {
  require_alignment(to);
  PendingCopy copy{static_cast<std::byte*>(to), {}};
  if (seen) {
    require_alignment(from);
    std::memcpy(copy.bytes.data(), from, copy.bytes.size());
  }
  std::memset(to, 0xff, copy.bytes.size());
  running()->current().uncommitted.push_back(copy);
}

void Machine::commit_copies() {
  Thread& self = running()->current();
  self.committed.push_back(std::exchange(self.uncommitted, {}));
}

void Machine::arrive(std::size_t but_newest) {
  Thread& self = running()->current();
  while (self.committed.size() > but_newest) {
    for (const PendingCopy& copy : self.committed.front()) {
      std::memcpy(copy.to, copy.bytes.data(), copy.bytes.size());
    }
    self.committed.erase(self.committed.begin());
  }
}

void Machine::matrices(std::uint32_t (&r)[4], const void* row) { matrices_of(r, row, false); }
void Machine::matrices_transposed(std::uint32_t (&r)[4], const void* row) {
  matrices_of(r, row, true);
}
void Machine::multiply_add(Bf16, float (&d)[4], const std::uint32_t (&a)[4],
                           const std::uint32_t (&b)[2]) {
  multiply_add_as<Bf16>(d, a, b);
}
void Machine::multiply_add(Fp16, float (&d)[4], const std::uint32_t (&a)[4],
                           const std::uint32_t (&b)[2]) {
  multiply_add_as<Fp16>(d, a, b);
}

/// prmt: byte i of the result is the one of the eight, x's first, that digit i of selector names.
std::uint32_t Machine::bytes_of(std::uint32_t x, std::uint32_t y, std::uint32_t selector) {
  const std::uint64_t all = x | std::uint64_t{y} << 32U;
  std::uint32_t out = 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t chosen = selector >> (4 * i) & 7U;
    out |= static_cast<std::uint32_t>(all >> (8 * chosen) & 0xffU) << (8 * i);
  }
  return out;
}

float Machine::exp2(float x) { return std::exp2(x); }

cuda::Vector16 Machine::read16(const void* p) {
  require_alignment(p);
  return *static_cast<const cuda::Vector16*>(p);
}
void Machine::write16(void* p, const cuda::Vector16& v) {
  require_alignment(p);
  *static_cast<cuda::Vector16*>(p) = v;
}

}  // namespace terrace::kernels::simt
