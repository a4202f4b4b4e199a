#pragma once

#include <cstddef>

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "kernels/cuda/device/machine.hpp"
#include "kernels/element.hpp"

namespace terrace::kernels::cuda {

/// The machine that is a GPU of sm_80 or later: instructions as the PTX ISA names them.
struct Ptx {
  static TERRACE_DEVICE int thread() { return static_cast<int>(threadIdx.x); }
  static TERRACE_DEVICE int block() { return static_cast<int>(blockIdx.x); }
  static TERRACE_DEVICE int blocks() { return static_cast<int>(gridDim.x); }
  static TERRACE_DEVICE std::byte* shared() {
    extern __shared__ Vector16 memory[];
    return reinterpret_cast<std::byte*>(memory);
  }
  static TERRACE_DEVICE void sync() { __syncthreads(); }
  static TERRACE_DEVICE void sync_warp() { __syncwarp(); }

  template <class T>
  static TERRACE_DEVICE T shuffle_xor(T x, int mask) {
    return __shfl_xor_sync(0xffff'ffffU, x, mask);
  }

  static TERRACE_DEVICE std::uint32_t shared_address(const void* p) {
    return static_cast<std::uint32_t>(__cvta_generic_to_shared(p));
  }

  static TERRACE_DEVICE void copy16_async(void* to, const void* from, bool seen) {
    asm volatile(
        "cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;\n" ::"r"(shared_address(to)),
        "l"(from), "r"(seen ? 16 : 0)
        : "memory");
  }
  static TERRACE_DEVICE void commit_copies() {
    asm volatile("cp.async.commit_group;\n" ::: "memory");
  }
  template <int N>
  static TERRACE_DEVICE void wait_copies() {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(N) : "memory");
  }

  static TERRACE_DEVICE void matrices(std::uint32_t (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
  }
  static TERRACE_DEVICE void matrices_transposed(std::uint32_t (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
  }

  static TERRACE_DEVICE void multiply_add(Bf16, float (&d)[4], const std::uint32_t (&a)[4],
                                          const std::uint32_t (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
  static TERRACE_DEVICE void multiply_add(Fp16, float (&d)[4], const std::uint32_t (&a)[4],
                                          const std::uint32_t (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }

  static TERRACE_DEVICE std::uint32_t pack(Bf16, float lo, float hi) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(lo, hi);
    return reinterpret_cast<const std::uint32_t&>(pair);
  }
  static TERRACE_DEVICE std::uint32_t pack(Fp16, float lo, float hi) {
    const __half2 pair = __floats2half2_rn(lo, hi);
    return reinterpret_cast<const std::uint32_t&>(pair);
  }
  /// One instruction from sm_89 on. For sm_80 the toolkit's header has a loop that takes longer
  /// than memory does; this has none, and makes 480 of NaN, which no cache is to hold.
  static TERRACE_DEVICE std::uint32_t widen_fp8(std::uint32_t pair) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 890
    const std::uint32_t small = small_fp16(__byte_perm(pair, 0, 0x1404));
    const __half2 wide = __hmul2(reinterpret_cast<const __half2&>(small), __float2half2_rn(256.0F));
    return reinterpret_cast<const std::uint32_t&>(wide);
#else
    const __half2_raw wide =
        __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(pair & 0xffffU), __NV_E4M3);
    return std::uint32_t{wide.x} | std::uint32_t{wide.y} << 16U;
#endif
  }

  static TERRACE_DEVICE std::uint32_t bytes_of(std::uint32_t x, std::uint32_t y,
                                               std::uint32_t selector) {
    return __byte_perm(x, y, selector);
  }

  static TERRACE_DEVICE float exp2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
    return y;
  }
  static TERRACE_DEVICE float product(float x, float y) { return __fmul_rn(x, y); }

  static TERRACE_DEVICE Vector16 read16(const void* p) {
    Vector16 v;
    asm volatile("ld.global.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(v.words[0]), "=r"(v.words[1]), "=r"(v.words[2]), "=r"(v.words[3])
                 : "l"(p)
                 : "memory");
    return v;
  }
  static TERRACE_DEVICE void write16(void* p, const Vector16& v) {
    asm volatile("st.global.v4.u32 [%0], {%1,%2,%3,%4};\n" ::"l"(p), "r"(v.words[0]),
                 "r"(v.words[1]), "r"(v.words[2]), "r"(v.words[3])
                 : "memory");
  }
  static TERRACE_DEVICE void add(std::uint64_t* p, std::uint64_t x) {
    atomicAdd(reinterpret_cast<unsigned long long*>(p), static_cast<unsigned long long>(x));
  }
};

}  // namespace terrace::kernels::cuda
