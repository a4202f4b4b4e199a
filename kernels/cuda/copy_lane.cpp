#include "kernels/cuda/copy_lane.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/host_memory.hpp"
#include "kernels/cuda/runtime.hpp"
#include "sim/base/check.hpp"

namespace terrace::kernels::cuda {
namespace {

class CudaLane final : public CopyLane {
 public:
  CudaLane(int device, const Traffic& traffic)
      : runtime_(device),
        bytes_(static_cast<std::size_t>(traffic.size.count())),
        host_(cuda::host_memory(HostMemory::pinned, bytes_)),
        device_(runtime_.allocate(traffic.size)) {
    TERRACE_CHECK(traffic.way != Transfer::both_ways && bytes_ > 0 && bytes_ % 16 == 0);
    const bool down = traffic.way == Transfer::to_device;
    const std::span<const std::byte> from((down ? host_ : device_).get(), bytes_);
    const std::span<std::byte> to((down ? device_ : host_).get(), bytes_);
    if (traffic.by == Copier::multiprocessors) {
      copy_ = prepare_narrow(runtime_, StreamCopy{from, to}, kCopyingBlocks);
    } else {
      copy_ = [this, from, to] {
        require(
            cudaMemcpyAsync(to.data(), from.data(), bytes_, cudaMemcpyDefault, runtime_.stream()),
            "cudaMemcpyAsync");
      };
    }
  }

  void start(std::size_t slot) override {
    copy_();
    done_.at(slot).record(runtime_.stream());
  }
  void wait(std::size_t slot) override {
    require(cudaEventSynchronize(done_.at(slot).get()), "cudaEventSynchronize");
  }
  bool done(std::size_t slot) override {
    const cudaError_t status = cudaEventQuery(done_.at(slot).get());
    if (status == cudaErrorNotReady) {
      static_cast<void>(cudaGetLastError());  // no launch is to be blamed for it
      return false;
    }
    require(status, "cudaEventQuery");
    return true;
  }

 private:
  Runtime runtime_;
  std::size_t bytes_;
  std::shared_ptr<std::byte> host_, device_;
  std::array<Event, kCopiesAhead> done_;
  Start copy_;
};

}  // namespace

std::unique_ptr<CopyLane> open_lane(int device, const Traffic& traffic) {
  return std::make_unique<CudaLane>(device, traffic);
}

}  // namespace terrace::kernels::cuda
