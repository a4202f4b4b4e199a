#include "kernels/cuda/cuda_set.hpp"

#include <optional>
#include <stdexcept>

#include "kernels/cuda/cublas_lt.hpp"
#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/runtime.hpp"

namespace terrace::kernels {
namespace {

class CudaSet final : public KernelSet {
 public:
  explicit CudaSet(int device) : runtime_(device) {}

  [[nodiscard]] std::string description() const override { return runtime_.device().name; }
  [[nodiscard]] std::string caveat() const override {
    return "these kernels have not been seen on a GPU yet: only an emulation has checked them";
  }
  [[nodiscard]] Bytes free_memory() const override { return runtime_.free_memory(); }
  [[nodiscard]] Bytes cache() const override { return Bytes{runtime_.device().l2CacheSize}; }

  std::shared_ptr<std::byte> allocate(Bytes size) override { return runtime_.allocate(size); }
  void upload(std::byte* to, std::span<const std::byte> from) override {
    runtime_.upload(to, from);
  }
  void download(std::span<std::byte> to, const std::byte* from) override {
    runtime_.download(to, from);
  }

  Start prepare(const PagedDecode& op) override { return prepare_on(runtime_, op); }
  Start prepare(const MlaDecode& op) override { return prepare_on(runtime_, op); }
  Start prepare(const PagedPrefill& op) override { return prepare_on(runtime_, op); }
  Start prepare(const BlockGather& op) override { return prepare_on(runtime_, op); }
  Start prepare(const BlockScatter& op) override { return prepare_on(runtime_, op); }
  Start prepare(const Gemm& op) override {
    check(op);
    if (!products_) products_.emplace();
    return products_->prepare(runtime_, op);
  }
  Start prepare(const StreamCopy& op) override { return prepare_on(runtime_, op); }
  Start prepare(const StreamRead& op) override { return prepare_on(runtime_, op); }
  Start prepare(const StreamWrite& op) override { return prepare_on(runtime_, op); }

  void wait() override { runtime_.wait(); }
  double seconds(std::span<const Start> in_turn, int rounds) override {
    return runtime_.seconds(in_turn, rounds);
  }

 private:
  cuda::Runtime runtime_;
  std::optional<cuda::CublasLt> products_;
};

std::string version_text(int version) {  // 12080: 12.8
  return std::to_string(version / 1000) + '.' + std::to_string(version % 1000 / 10);
}

std::string why_not_the_driver() {
  int known = 0;
  if (cudaDriverGetVersion(&known) != cudaSuccess || known == 0) return "no NVIDIA driver";
  return "the NVIDIA driver knows CUDA up to " + version_text(known) +
         ", and this program was built with " + version_text(CUDART_VERSION) +
         ": update the driver, or build with an older toolkit";
}

/// In lower case, as sysfs names its folders.
std::string pci_of(int device) {
  char address[32] = {};
  cuda::require(cudaDeviceGetPCIBusId(address, sizeof address, device), "cudaDeviceGetPCIBusId");
  std::string text = address;
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

std::string why_no_cuda(int device) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) return why_not_the_driver();
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) return "no NVIDIA GPU";
  if (status != cudaSuccess) return std::string("no usable GPU: ") + cudaGetErrorString(status);
  if (device < 0 || device >= count) {
    return "no GPU cuda:" + std::to_string(device) + "; there are " + std::to_string(count);
  }
  cudaDeviceProp properties{};
  cuda::require(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  if (properties.major >= 8) return {};
  return std::string(properties.name) + " has compute capability " +
         std::to_string(properties.major) + '.' + std::to_string(properties.minor) +
         "; the kernels need 8.0";
}

GpuFacts gpu_facts(int device) {
  const std::string why_not = why_no_cuda(device);
  if (!why_not.empty()) throw std::runtime_error(why_not);
  cudaDeviceProp properties{};
  cuda::require(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  GpuFacts facts{.name = properties.name,
                 .capability = 10 * properties.major + properties.minor,
                 .multiprocessors = properties.multiProcessorCount,
                 .memory = Bytes{static_cast<std::int64_t>(properties.totalGlobalMem)},
                 .l2 = Bytes{properties.l2CacheSize},
                 .pci = pci_of(device)};
  cuda::require(cudaDriverGetVersion(&facts.driver_cuda), "cudaDriverGetVersion");
  cuda::require(cudaRuntimeGetVersion(&facts.runtime_cuda), "cudaRuntimeGetVersion");
  return facts;
}

std::unique_ptr<KernelSet> cuda_set(int device) {
  const std::string why_not = why_no_cuda(device);
  if (!why_not.empty()) throw std::runtime_error(why_not);
  return std::make_unique<CudaSet>(device);
}

}  // namespace terrace::kernels
