#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device/machine.hpp"
#include "kernels/element.hpp"
#include "tests/kernels/simt/block.hpp"

namespace terrace::kernels::simt {

/// The machine of device code (kernels/cuda/device/machine.hpp) that emulated blocks are. What the
/// instructions do follows the PTX ISA's text, not the kernels' use of them.
struct Machine {
  static int thread() { return running()->current().index; }
  static int block() { return running()->block(); }
  static int blocks() { return running()->blocks(); }
  static std::byte* shared() { return running()->shared(); }
  static void sync() { running()->sync(); }
  static void sync_warp();

  static float shuffle_xor(float x, int mask);
  static std::uint64_t shuffle_xor(std::uint64_t x, int mask);

  /// What is copied arrives when it is waited for; until then the place is poisoned.
  static void copy16_async(void* to, const void* from, bool seen);
  static void commit_copies();
  template <int N>
  static void wait_copies() {
    arrive(N);
  }

  static void matrices(std::uint32_t (&r)[4], const void* row);
  static void matrices_transposed(std::uint32_t (&r)[4], const void* row);
  static void multiply_add(Bf16, float (&d)[4], const std::uint32_t (&a)[4],
                           const std::uint32_t (&b)[2]);
  static void multiply_add(Fp16, float (&d)[4], const std::uint32_t (&a)[4],
                           const std::uint32_t (&b)[2]);

  static std::uint32_t pack(Bf16, float lo, float hi) {
    return round_to<Bf16>(lo).bits | std::uint32_t{round_to<Bf16>(hi).bits} << 16U;
  }
  static std::uint32_t pack(Fp16, float lo, float hi) {
    return round_to<Fp16>(lo).bits | std::uint32_t{round_to<Fp16>(hi).bits} << 16U;
  }
  static std::uint32_t widen_fp8(std::uint32_t pair) {
    const auto wide = [](std::uint32_t x) {
      return to_float(Fp8E4m3{static_cast<std::uint8_t>(x)});
    };
    return pack(Fp16{}, wide(pair & 0xffU), wide(pair >> 8U & 0xffU));
  }
  static std::uint32_t bytes_of(std::uint32_t x, std::uint32_t y, std::uint32_t selector);

  static float exp2(float x);
  static float product(float x, float y) { return x * y; }

  static cuda::Vector16 read16(const void* p);
  static void write16(void* p, const cuda::Vector16& v);
  static void add(std::uint64_t* p, std::uint64_t x) { *p += x; }

 private:
  static void arrive(std::size_t but_newest);
};

}  // namespace terrace::kernels::simt
