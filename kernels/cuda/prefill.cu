#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/prepare.hpp"

namespace terrace::kernels::cuda {

Start prepare_on(Runtime& runtime, const PagedPrefill& op) { return prepare(runtime, op); }

}  // namespace terrace::kernels::cuda
