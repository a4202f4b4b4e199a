#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/prepare_copies.hpp"

namespace terrace::kernels::cuda {

Start prepare_on(Runtime& runtime, const BlockGather& op) { return prepare(runtime, op); }
Start prepare_on(Runtime& runtime, const BlockScatter& op) { return prepare(runtime, op); }
Start prepare_on(Runtime& runtime, const StreamCopy& op) { return prepare(runtime, op); }
Start prepare_narrow(Runtime& runtime, const StreamCopy& op, std::int64_t blocks) {
  return prepare(runtime, op, blocks);
}
Start prepare_on(Runtime& runtime, const StreamRead& op) { return prepare(runtime, op); }
Start prepare_on(Runtime& runtime, const StreamWrite& op) { return prepare(runtime, op); }

}  // namespace terrace::kernels::cuda
