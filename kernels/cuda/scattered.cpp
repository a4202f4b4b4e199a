#include "kernels/cuda/scattered.hpp"

#include <numeric>
#include <span>

#include "kernels/block_copy.hpp"
#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/host_memory.hpp"
#include "sim/base/random.hpp"
#include "sim/base/shuffle.hpp"

namespace terrace::kernels::cuda {

Scattered::Scattered(Runtime& runtime, const BlockTransfer& transfer_)
    : transfer(transfer_), places(static_cast<std::size_t>(2 * transfer_.blocks)) {
  std::iota(places.begin(), places.end(), 0);
  Random random(1, "places of blocks");
  shuffle(places, random);
  places.resize(static_cast<std::size_t>(transfer.blocks));
  pool = runtime.allocate(transfer.size * (2 * transfer.blocks));
  staging = runtime.allocate(all());
  host = host_memory(HostMemory::pinned, bytes());
  list();
  const BlockFragments fragments{transfer.size, 1, transfer.size, transfer.size};
  // Pinned memory has one address for host and device: the kernel reaches over the link.
  const bool over_link = transfer.path == BlockPath::zero_copy;
  const std::span<std::byte> staged((over_link ? host : staging).get(), bytes());
  on_device = reads() ? prepare_on(runtime, BlockGather{pool.get(), fragments, places, staged})
                      : prepare_on(runtime, BlockScatter{staged, fragments, places, pool.get()});
}

void Scattered::list() {
  const std::int64_t size = transfer.size.count();
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::byte* const on_host = host.get() + static_cast<std::int64_t>(i) * size;
    std::byte* const on_device_ = pool.get() + places[i] * size;
    to.push_back(reads() ? on_host : on_device_);
    from.push_back(reads() ? on_device_ : on_host);
    sizes.push_back(static_cast<std::size_t>(size));
  }
}

void Scattered::start(cudaStream_t stream) {
  switch (transfer.path) {
    case BlockPath::loop:
      for (std::size_t i = 0; i < to.size(); ++i) {
        require(cudaMemcpyAsync(to[i], from[i], sizes[i], cudaMemcpyDefault, stream),
                "cudaMemcpyAsync");
      }
      return;
    case BlockPath::batch:
      return start_batch(stream);
    case BlockPath::staged: {
      if (reads()) on_device();
      void* const there = reads() ? host.get() : staging.get();
      const void* const here = reads() ? staging.get() : host.get();
      require(cudaMemcpyAsync(there, here, bytes(), cudaMemcpyDefault, stream), "cudaMemcpyAsync");
      if (!reads()) on_device();
      return;
    }
    case BlockPath::zero_copy:
      return on_device();
  }
}

void Scattered::start_batch(cudaStream_t stream) {
#if CUDART_VERSION >= 13000
  cudaMemcpyAttributes attributes{};
  attributes.srcAccessOrder = cudaMemcpySrcAccessOrderStream;
  std::size_t first = 0;
  require(cudaMemcpyBatchAsync(to.data(), from.data(), sizes.data(), to.size(), &attributes, &first,
                               1, stream),
          "cudaMemcpyBatchAsync");
#else
  static_cast<void>(stream);
  throw Unsupported("batches of copies need a build with CUDA 13 or later");
#endif
}

}  // namespace terrace::kernels::cuda
