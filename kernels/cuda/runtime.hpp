#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <cuda_runtime_api.h>

#include "kernels/cuda/handles.hpp"
#include "kernels/kernel_set.hpp"

namespace terrace::kernels::cuda {

struct Ptx;

/// A kernel's handle and shape, for calls of the runtime.
struct Entry {
  const void* function = nullptr;
  int threads = 0;
  int shared_bytes = 0;
};

/// One GPU and one stream of it: the runtime (prepare.hpp) that real kernels are launched by.
/// Belongs to the thread that made it, whose current device is this one from then on.
class Runtime {
 public:
  using Machine = Ptx;

  explicit Runtime(int device);
  ~Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  std::shared_ptr<std::byte> allocate(Bytes size);
  void upload(std::byte* to, std::span<const std::byte> from);
  void download(std::span<std::byte> to, const std::byte* from);
  void wait();
  double seconds(std::span<const Start> in_turn, int rounds);

  [[nodiscard]] cudaStream_t stream() const { return stream_->get(); }
  [[nodiscard]] const cudaDeviceProp& device() const { return device_; }
  [[nodiscard]] Bytes free_memory() const;

  // Defined where kernels are compiled (launch.cuh).
  template <class Kernel>
  int residents();
  template <class Kernel>
  void launch(const Kernel& kernel, std::int64_t blocks);

 private:
  [[nodiscard]] int residents_of(const Entry& entry) const;

  cudaDeviceProp device_{};
  std::optional<Stream> stream_;  // made once the device is chosen
  cudaMemPool_t pool_ = nullptr;  // null where the device has none
};

// One file each, as they take long to compile.
Start prepare_on(Runtime& runtime, const PagedDecode& op);
Start prepare_on(Runtime& runtime, const MlaDecode& op);
Start prepare_on(Runtime& runtime, const PagedPrefill& op);
Start prepare_on(Runtime& runtime, const BlockGather& op);
Start prepare_on(Runtime& runtime, const BlockScatter& op);
Start prepare_on(Runtime& runtime, const StreamCopy& op);
/// On `blocks` blocks of threads at most, so that others find room on the device.
Start prepare_narrow(Runtime& runtime, const StreamCopy& op, std::int64_t blocks);
Start prepare_on(Runtime& runtime, const StreamRead& op);
Start prepare_on(Runtime& runtime, const StreamWrite& op);

}  // namespace terrace::kernels::cuda
