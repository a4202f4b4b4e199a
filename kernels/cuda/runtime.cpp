#include "kernels/cuda/runtime.hpp"

#include <algorithm>
#include <limits>

#include "kernels/cuda/errors.hpp"

namespace terrace::kernels::cuda {
namespace {

/// What was captured of a stream, ready to be launched.
class Graph {
 public:
  template <class F>
  Graph(cudaStream_t stream, const F& f) {
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal),
            "cudaStreamBeginCapture");
    cudaGraph_t graph = nullptr;
    try {
      f();
    } catch (...) {
      static_cast<void>(cudaStreamEndCapture(stream, &graph));
      if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
      throw;
    }
    require(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    const cudaError_t status = cudaGraphInstantiate(&graph_, graph, 0);
    static_cast<void>(cudaGraphDestroy(graph));
    require(status, "cudaGraphInstantiate");
  }
  ~Graph() { static_cast<void>(cudaGraphExecDestroy(graph_)); }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  [[nodiscard]] cudaGraphExec_t get() const { return graph_; }

 private:
  cudaGraphExec_t graph_ = nullptr;
};

class Event {
 public:
  Event() { require(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~Event() { static_cast<void>(cudaEventDestroy(event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  [[nodiscard]] cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

Runtime::Runtime(int device) : index_(device) {
  require(cudaSetDevice(device), "cudaSetDevice");
  require(cudaGetDeviceProperties(&device_, device), "cudaGetDeviceProperties");
  require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  if (device_.memoryPoolsSupported != 0) {
    require(cudaDeviceGetDefaultMemPool(&pool_, device), "cudaDeviceGetDefaultMemPool");
    std::uint64_t keep = std::numeric_limits<std::uint64_t>::max();  // memory for the next tensors
    require(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep),
            "cudaMemPoolSetAttribute");
  }
}

Runtime::~Runtime() {
  static_cast<void>(cudaStreamSynchronize(stream_));
  static_cast<void>(cudaStreamDestroy(stream_));
}

std::shared_ptr<std::byte> Runtime::allocate(Bytes size) {
  const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(size.count(), 1));
  void* memory = nullptr;
  if (pool_ == nullptr) {
    require(cudaMalloc(&memory, bytes), "cudaMalloc");
    return {static_cast<std::byte*>(memory), [](std::byte* p) { static_cast<void>(cudaFree(p)); }};
  }
  require(cudaMallocAsync(&memory, bytes, stream_), "cudaMallocAsync");
  wait();  // other streams may use it
  return {static_cast<std::byte*>(memory),
          [stream = stream_](std::byte* p) { static_cast<void>(cudaFreeAsync(p, stream)); }};
}

void Runtime::upload(std::byte* to, std::span<const std::byte> from) {
  require(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream_),
          "cudaMemcpyAsync to the device");
  wait();
}

void Runtime::download(std::span<std::byte> to, const std::byte* from) {
  require(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, stream_),
          "cudaMemcpyAsync to the host");
  wait();
}

void Runtime::wait() { require(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

/// As one graph: so the times that the host takes to launch are not among them.
double Runtime::seconds(std::span<const Start> in_turn, int rounds) {
  wait();
  const Graph graph(stream_, [&] {
    for (int i = 0; i < rounds; ++i) {
      for (const Start& start : in_turn) start();
    }
  });
  require(cudaGraphUpload(graph.get(), stream_), "cudaGraphUpload");
  const Event begin;
  const Event end;
  require(cudaEventRecord(begin.get(), stream_), "cudaEventRecord");
  require(cudaGraphLaunch(graph.get(), stream_), "cudaGraphLaunch");
  require(cudaEventRecord(end.get(), stream_), "cudaEventRecord");
  require(cudaEventSynchronize(end.get()), "cudaEventSynchronize");
  float milliseconds = 0;
  require(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()), "cudaEventElapsedTime");
  return static_cast<double>(milliseconds) * 1e-3;
}

Bytes Runtime::free_memory() const {
  if (pool_ != nullptr) {
    require(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
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
  int blocks = 0;
  require(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
              &blocks, entry.function, entry.threads, static_cast<std::size_t>(entry.shared_bytes)),
          "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  return std::max(blocks, 1) * device_.multiProcessorCount;
}

}  // namespace terrace::kernels::cuda
