#include "kernels/cuda/transfers.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <vector>

#include "kernels/cuda/copy_lane.hpp"
#include "kernels/cuda/cuda_set.hpp"
#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/host_memory.hpp"
#include "kernels/cuda/runtime.hpp"
#include "kernels/cuda/scattered.hpp"
#include "kernels/cuda/spin.hpp"
#include "kernels/steady_clock.hpp"
#include "sim/base/check.hpp"

namespace terrace::kernels {
namespace cuda {
namespace {

/// What is started on a stream begins only when this is let go: until then a kernel spins there.
class Held {
 public:
  Held(cudaStream_t stream, std::byte* flag) : flag_(*reinterpret_cast<int*>(flag)) {
    flag_.store(0);
    start_spinning(stream, reinterpret_cast<const int*>(flag));
  }
  ~Held() { let_go(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void let_go() { flag_.store(1); }

 private:
  std::atomic_ref<int> flag_;
};

class CudaTransfers final : public Transfers {
 public:
  explicit CudaTransfers(int device)
      : device_(device), runtime_(device), flag_(pinned(sizeof(int))) {}

  TransferTime copy(HostMemory memory, Transfer way, Bytes size, int rounds) override {
    TERRACE_CHECK(size.count() > 0 && rounds > 0);
    const auto bytes = static_cast<std::size_t>(size.count());
    const auto down = way == Transfer::to_host ? nullptr : host_memory(memory, size);
    const auto up = way == Transfer::to_device ? nullptr : host_memory(memory, size);
    const auto in = runtime_.allocate(size);
    const auto out = runtime_.allocate(size);
    const Stream other;
    const auto once = [&] { start(in.get(), down.get(), up.get(), out.get(), bytes, other.get()); };
    return memory == HostMemory::pageable ? by_host(once, other.get(), rounds)
                                          : by_device(once, other.get(), rounds);
  }

  TransferTime blocks(const BlockTransfer& transfer, int rounds) override {
    TERRACE_CHECK(transfer.way != Transfer::both_ways && transfer.blocks > 0 && rounds > 0);
    TERRACE_CHECK(transfer.size.count() > 0 && transfer.size.count() % 16 == 0);
    Scattered scattered(runtime_, transfer);
    const Stream other;
    return by_device([&] { scattered.start(stream()); }, other.get(), rounds, scattered.calls());
  }

  void echo(HostMemory memory, Transfer way, std::span<const std::byte> in,
            std::span<std::byte> out) override {
    TERRACE_CHECK(in.size() == out.size() && !in.empty());
    const Bytes size{static_cast<std::int64_t>(in.size())};
    const auto down = way == Transfer::to_host ? nullptr : host_memory(memory, size);
    const auto up = way == Transfer::to_device ? nullptr : host_memory(memory, size);
    const auto there = runtime_.allocate(size);
    const auto from = runtime_.allocate(size);
    if (down) std::copy(in.begin(), in.end(), down.get());
    runtime_.upload(there.get(), std::vector<std::byte>(in.size(), std::byte{0xa5}));
    runtime_.upload(from.get(), in);
    const Stream other;
    start(there.get(), down.get(), up.get(), from.get(), in.size(), other.get());
    require(cudaStreamSynchronize(other.get()), "cudaStreamSynchronize");
    runtime_.wait();
    const std::size_t arrived = !up ? in.size() : !down ? 0 : in.size() / 2;
    runtime_.download(out.first(arrived), there.get());
    if (up) std::copy_n(up.get() + arrived, in.size() - arrived, out.subspan(arrived).begin());
  }

  void echo(const BlockTransfer& transfer, std::span<const std::byte> in,
            std::span<std::byte> out) override {
    Scattered scattered(runtime_, transfer);
    TERRACE_CHECK(in.size() == scattered.bytes() && out.size() == in.size());
    const auto size = static_cast<std::size_t>(transfer.size.count());
    const std::vector<std::byte> poison(2 * in.size(), std::byte{0xa5});
    runtime_.upload(scattered.pool.get(), poison);
    if (!scattered.reads()) std::copy(in.begin(), in.end(), scattered.host.get());
    const auto each = [&](const auto& f) {
      for (std::size_t i = 0; i < scattered.places.size(); ++i) {
        f(scattered.pool.get() + scattered.places[i] * transfer.size.count(), i * size);
      }
    };
    if (scattered.reads()) {
      each([&](std::byte* block, std::size_t at) { runtime_.upload(block, in.subspan(at, size)); });
    }
    scattered.start(stream());
    runtime_.wait();
    if (scattered.reads()) {
      std::copy_n(scattered.host.get(), out.size(), out.begin());
    } else {
      each([&](std::byte* block, std::size_t at) {
        runtime_.download(out.subspan(at, size), block);
      });
    }
  }

  TransferTime empty_kernels(int count, bool graph) override {
    TERRACE_CHECK(count > 0);
    const Stream other;
    if (!graph) return by_device([&] { start_nothing(stream()); }, other.get(), count);
    const Graph all(stream(), [&] {
      for (int i = 0; i < count; ++i) start_nothing(stream());
    });
    all.upload(stream());
    TransferTime time = by_device([&] { all.launch(stream()); }, other.get(), 1);
    time.seconds /= count;
    time.enqueue_seconds /= count;
    return time;
  }

  std::unique_ptr<CopyLane> open_lane(const Traffic& traffic) override {
    return cuda::open_lane(device_, traffic);
  }

  std::shared_ptr<std::byte> host_memory(HostMemory kind, Bytes size) override {
    return cuda::host_memory(kind, static_cast<std::size_t>(size.count()));
  }

  std::shared_ptr<std::byte> exposed_memory(Bytes size) override {
    void* memory = nullptr;
    require(cudaMalloc(&memory, static_cast<std::size_t>(size.count())), "cudaMalloc");
    return {static_cast<std::byte*>(memory), [](std::byte* p) { static_cast<void>(cudaFree(p)); }};
  }

  void use_here() const override { require(cudaSetDevice(device_), "cudaSetDevice"); }

 private:
  [[nodiscard]] cudaStream_t stream() const { return runtime_.stream(); }

  /// To the device from `down`, and from there to `up`, each unless it is null; together, if both.
  void start(std::byte* in, const std::byte* down, std::byte* up, const std::byte* out,
             std::size_t bytes, cudaStream_t other) const {
    if (down != nullptr) {
      require(cudaMemcpyAsync(in, down, bytes, cudaMemcpyHostToDevice, stream()),
              "cudaMemcpyAsync to the device");
    }
    if (up != nullptr) {
      require(cudaMemcpyAsync(up, out, bytes, cudaMemcpyDeviceToHost,
                              down != nullptr ? other : stream()),
              "cudaMemcpyAsync to the host");
    }
  }

  /// `once` may start work on our stream and on `other`, with `calls` calls. A stream takes about a
  /// thousand before it keeps the host waiting, so that work is let go after some hundreds.
  template <class F>
  TransferTime by_device(const F& once, cudaStream_t other, int rounds, std::int64_t calls = 2) {
    once();  // to warm up
    require(cudaStreamSynchronize(other), "cudaStreamSynchronize");
    runtime_.wait();
    const Event begin;
    const Event end;
    const Event end_of_other;
    Held held(stream(), flag_.get());
    begin.record(stream());
    require(cudaStreamWaitEvent(other, begin.get(), 0), "cudaStreamWaitEvent");
    const double start = steady_seconds();
    for (int i = 0; i < rounds; ++i) {
      if ((i + 1) * calls > kMostHeld) held.let_go();
      once();
    }
    const double enqueued = steady_seconds() - start;
    end.record(stream());
    end_of_other.record(other);
    held.let_go();
    const double seconds = std::max(end.seconds_since(begin), end_of_other.seconds_since(begin));
    return {seconds / rounds, enqueued / rounds};
  }

  template <class F>
  TransferTime by_host(const F& once, cudaStream_t other, int rounds) {
    once();
    const auto wait = [&] {
      require(cudaStreamSynchronize(other), "cudaStreamSynchronize");
      runtime_.wait();
    };
    wait();
    const double start = steady_seconds();
    for (int i = 0; i < rounds; ++i) once();
    const double enqueued = steady_seconds() - start;
    wait();
    return {(steady_seconds() - start) / rounds, enqueued / rounds};
  }

  static constexpr std::int64_t kMostHeld = 400;

  int device_;
  Runtime runtime_;
  std::shared_ptr<std::byte> flag_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Transfers> cuda_transfers(int device) {
  const std::string why_not = why_no_cuda(device);
  if (!why_not.empty()) throw std::runtime_error(why_not);
  return std::make_unique<cuda::CudaTransfers>(device);
}

}  // namespace terrace::kernels
