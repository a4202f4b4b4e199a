#pragma once

#include <cstdint>

/// What device code is written against. A kernel is a struct that is copied to the device: its
/// operator() is what each thread does, `kThreads` make a block, and a block has `kShared` bytes
/// of shared memory. It takes its machine as a template parameter: `Ptx` (ptx.cuh) is a GPU; the
/// tests have another one, which emulates warps on the host. So kernels are free of the CUDA
/// runtime, and what has been seen of them without a GPU is their indexing, barriers and layouts:
/// never that a GPU runs them, nor how fast.
///
/// A machine M offers, as static functions:
///   thread(), block(), blocks()        this thread in its block, this block, blocks in all
///   shared()                           the block's memory, aligned to 16
///   sync(), sync_warp()                barriers, also for memory
///   shuffle_xor(x, mask)               the x of lane ^ mask; all lanes take part
///   copy16_async(to, from, seen)       16 bytes, global to shared; zeros where not `seen`
///   commit_copies(), wait_copies<N>()  all but the newest N commits have arrived
///   matrices(r, row), matrices_transposed(r, row)  ldmatrix .x4
///   multiply_add(T{}, d, a, b)         mma m16n8k16: d += a b, in fp32
///   pack(T{}, lo, hi)                  two numbers of type T in a word
///   widen_fp8(pair)                    two fp8 as two fp16
///   bytes_of(x, y, selector)           prmt
///   exp2(x), product(x, y)             2^x; a product that no addition is fused with
///   read16(p), write16(p, v)           of global memory that is touched once
///   add(p, x)                          atomically
#ifdef __CUDACC__
#define TERRACE_DEVICE __device__ __forceinline__
#else
#define TERRACE_DEVICE inline
#endif

namespace terrace::kernels::cuda {

constexpr int kWarp = 32;

/// What a thread loads or stores at a time at most.
struct alignas(16) Vector16 {
  std::uint32_t words[4];
};

/// Of two fp8 (E4M3), each in the upper byte of a half word: two fp16 that are 2^-8 times as large.
/// Both formats have the exponent behind the sign, and biases of 7 and 15.
TERRACE_DEVICE constexpr std::uint32_t small_fp16(std::uint32_t two) {
  return (two & 0x8000'8000U) | (two & 0x7f00'7f00U) >> 1U;
}

/// Minus infinity: the score of what is not seen.
TERRACE_DEVICE constexpr float never() { return -__builtin_huge_valf(); }

}  // namespace terrace::kernels::cuda
