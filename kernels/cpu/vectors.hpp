#pragma once

#include <cstdint>
#include <vector>

/// One source, compiled for each width of vector registers, and run at the widest that the
/// processor has.
///
/// A job is a struct with a template member `run<lanes>()`. It and what it calls are always_inline,
/// so that they are compiled inside of the functions below, whose attribute allows the compiler the
/// wider registers. Nothing compiled for them has a name that other code could be linked to.
namespace terrace::kernels::cpu {

enum class Vectors { basic, avx2, avx512 };  // in the order of width; basic: 128 bits, SSE2 or NEON

/// What this processor can run, the widest last.
std::vector<Vectors> supported_vectors();

/// A register of Lanes numbers.
template <int Lanes>
struct Register {
  using Floats [[gnu::vector_size(Lanes * 4)]] = float;
  using Ints [[gnu::vector_size(Lanes * 4)]] = std::int32_t;
};
template <int Lanes>
using Floats = typename Register<Lanes>::Floats;

#ifdef __x86_64__
template <class Job>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]] void run_avx512(const Job& job) {
  job.template run<16>();
}
template <class Job>
[[gnu::target("avx2,fma")]] void run_avx2(const Job& job) {
  job.template run<8>();
}
#endif

template <class Job>
void run_job(Vectors vectors, const Job& job) {
#ifdef __x86_64__
  if (vectors == Vectors::avx512) return run_avx512(job);
  if (vectors == Vectors::avx2) return run_avx2(job);
#endif
  job.template run<4>();
}

}  // namespace terrace::kernels::cpu
