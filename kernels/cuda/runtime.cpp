#include "kernels/cuda/runtime.hpp"

#include <algorithm>
#include <limits>

namespace terrace::kernels::cuda {

Runtime::Runtime(int device) {
  require(cudaSetDevice(device), "cudaSetDevice");
  require(cudaGetDeviceProperties(&device_, device), "cudaGetDeviceProperties");
  stream_.emplace();
  if (device_.memoryPoolsSupported != 0) {
    require(cudaDeviceGetDefaultMemPool(&pool_, device), "cudaDeviceGetDefaultMemPool");
    std::uint64_t keep = std::numeric_limits<std::uint64_t>::max();  // memory for the next tensors
    require(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep),
            "cudaMemPoolSetAttribute");
  }
}

std::shared_ptr<std::byte> Runtime::allocate(Bytes size) {
  const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(size.count(), 1));
  void* memory = nullptr;
  if (pool_ == nullptr) {
    require(cudaMalloc(&memory, bytes), "cudaMalloc");
    return {static_cast<std::byte*>(memory), [](std::byte* p) { static_cast<void>(cudaFree(p)); }};
  }
  require(cudaMallocAsync(&memory, bytes, stream()), "cudaMallocAsync");
  wait();  // other streams may use it
  return {static_cast<std::byte*>(memory),
          [stream = stream()](std::byte* p) { static_cast<void>(cudaFreeAsync(p, stream)); }};
}

void Runtime::upload(std::byte* to, std::span<const std::byte> from) {
  if (from.empty()) return;
  require(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream()),
          "cudaMemcpyAsync to the device");
  wait();
}

void Runtime::download(std::span<std::byte> to, const std::byte* from) {
  if (to.empty()) return;
  require(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, stream()),
          "cudaMemcpyAsync to the host");
  wait();
}

void Runtime::wait() { require(cudaStreamSynchronize(stream()), "cudaStreamSynchronize"); }

/// As one graph that holds both events: so the times that the host takes to launch kernels, and the
/// graph, are not among them.
double Runtime::seconds(std::span<const Start> in_turn, int rounds) {
  wait();
  const Event begin;
  const Event end;
  const Graph graph(stream(), [&] {
    begin.record_in_graph(stream());
    for (int i = 0; i < rounds; ++i) {
      for (const Start& start : in_turn) start();
    }
    end.record_in_graph(stream());
  });
  graph.upload(stream());
  graph.launch(stream());
  wait();
  return end.seconds_since(begin);
}

Bytes Runtime::free_memory() const {
  if (pool_ != nullptr) {
    require(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
    require(cudaMemPoolTrimTo(pool_, 0), "cudaMemPoolTrimTo");
  }
  std::size_t free = 0;
  std::size_t all = 0;
  require(cudaMemGetInfo(&free, &all), "cudaMemGetInfo");
  return Bytes{static_cast<std::int64_t>(free)};
}

int Runtime::residents_of(const Entry& entry) const {
  if (static_cast<std::size_t>(entry.shared_bytes) > device_.sharedMemPerBlockOptin) {
    throw Unsupported("a kernel takes " + std::to_string(entry.shared_bytes) +
                      " bytes of shared memory for a block, and " + device_.name + " has " +
                      std::to_string(device_.sharedMemPerBlockOptin));
  }
  require(cudaFuncSetAttribute(entry.function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               entry.shared_bytes),
          "cudaFuncSetAttribute");
  if (entry.shared_bytes > 0) {  // rather than L1, of which these kernels need little
    require(cudaFuncSetAttribute(entry.function, cudaFuncAttributePreferredSharedMemoryCarveout,
                                 cudaSharedmemCarveoutMaxShared),
            "cudaFuncSetAttribute");
  }
  int blocks = 0;
  require(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
              &blocks, entry.function, entry.threads, static_cast<std::size_t>(entry.shared_bytes)),
          "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  return std::max(blocks, 1) * device_.multiProcessorCount;
}

}  // namespace terrace::kernels::cuda
