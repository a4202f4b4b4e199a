#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include <cuda_runtime_api.h>

#include "kernels/cuda/errors.hpp"

/// What CUDA wants back.
namespace terrace::kernels::cuda {

class Event {
 public:
  Event() { require(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~Event() { static_cast<void>(cudaEventDestroy(event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(cudaStream_t stream) const {
    require(cudaEventRecord(event_, stream), "cudaEventRecord");
  }
  /// While a stream is captured: each launch of the graph records the event, at this place of it.
  void record_in_graph(cudaStream_t stream) const {
    require(cudaEventRecordWithFlags(event_, stream, cudaEventRecordExternal),
            "cudaEventRecordWithFlags");
  }
  /// Waits for this event. REQUIRES: `begin` was recorded before it.
  [[nodiscard]] double seconds_since(const Event& begin) const {
    require(cudaEventSynchronize(event_), "cudaEventSynchronize");
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, begin.event_, event_), "cudaEventElapsedTime");
    return static_cast<double>(milliseconds) * 1e-3;
  }
  [[nodiscard]] cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class Stream {
 public:
  Stream() {
    require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
            "cudaStreamCreateWithFlags");
  }
  ~Stream() {
    static_cast<void>(cudaStreamSynchronize(stream_));
    static_cast<void>(cudaStreamDestroy(stream_));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// What was captured of a stream, ready to be launched.
class Graph {
 public:
  /// Captures what `f` starts.
  template <class F>
  Graph(cudaStream_t stream, const F& f) {
    // Relaxed, as the first call of a kernel may load its code, which other modes forbid.
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
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

  void upload(cudaStream_t stream) const {
    require(cudaGraphUpload(graph_, stream), "cudaGraphUpload");
  }
  void launch(cudaStream_t stream) const {
    require(cudaGraphLaunch(graph_, stream), "cudaGraphLaunch");
  }

 private:
  cudaGraphExec_t graph_ = nullptr;
};

/// Page-locked memory, which the device can reach.
inline std::shared_ptr<std::byte> pinned(std::size_t bytes) {
  void* memory = nullptr;
  require(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault), "cudaHostAlloc");
  return {static_cast<std::byte*>(memory),
          [](std::byte* p) { static_cast<void>(cudaFreeHost(p)); }};
}

/// Ordinary memory that begins on a page.
inline std::shared_ptr<std::byte> pageable(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  void* const memory = std::aligned_alloc(kPage, (bytes + kPage - 1) / kPage * kPage);
  if (memory == nullptr) throw std::bad_alloc();
  return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
}

/// Ordinary memory that was locked afterwards.
inline std::shared_ptr<std::byte> registered(std::size_t bytes) {
  const auto memory = pageable(bytes);
  require(cudaHostRegister(memory.get(), bytes, cudaHostRegisterDefault), "cudaHostRegister");
  return {memory.get(), [memory](std::byte* p) { static_cast<void>(cudaHostUnregister(p)); }};
}

}  // namespace terrace::kernels::cuda
