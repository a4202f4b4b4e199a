#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <cuda_runtime_api.h>

#include "kernels/cuda/runtime.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::kernels::cuda {

/// Blocks on the device and the run of host memory that they are copied to or from.
struct Scattered {
  BlockTransfer transfer;
  std::vector<std::int32_t> places;
  std::shared_ptr<std::byte> pool, staging, host;
  std::vector<void*> to;
  std::vector<const void*> from;
  std::vector<std::size_t> sizes;
  Start on_device;  // gathers or scatters

  Scattered(Runtime& runtime, const BlockTransfer& transfer);

  [[nodiscard]] bool reads() const { return transfer.way == Transfer::to_host; }
  [[nodiscard]] Bytes all() const { return transfer.size * transfer.blocks; }
  [[nodiscard]] std::size_t bytes() const { return static_cast<std::size_t>(all().count()); }
  /// As many things as a stream takes for it.
  [[nodiscard]] std::int64_t calls() const {
    if (transfer.path == BlockPath::zero_copy) return 1;
    return transfer.path == BlockPath::staged ? 2 : transfer.blocks;
  }

  /// Throws Unsupported for a batch where the toolkit has none.
  void start(cudaStream_t stream);

 private:
  void list();
  void start_batch(cudaStream_t stream);
};

}  // namespace terrace::kernels::cuda
