#include "kernels/cpu/vectors.hpp"

namespace terrace::kernels::cpu {

std::vector<Vectors> supported_vectors() {
  std::vector<Vectors> supported{Vectors::basic};
#ifdef __x86_64__
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (avx2) supported.push_back(Vectors::avx2);
  if (avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
    supported.push_back(Vectors::avx512);
  }
#endif
  return supported;
}

}  // namespace terrace::kernels::cpu
