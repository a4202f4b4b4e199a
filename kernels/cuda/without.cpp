// What a build without nvcc has of cuda_set.hpp and transfers.hpp.

#include <stdexcept>

#include "kernels/cuda/cuda_set.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::kernels {

std::string why_no_cuda(int) { return "this program was built without CUDA (no nvcc was found)"; }

GpuFacts gpu_facts(int device) { throw std::runtime_error(why_no_cuda(device)); }

std::unique_ptr<KernelSet> cuda_set(int device) { throw std::runtime_error(why_no_cuda(device)); }

std::unique_ptr<Transfers> cuda_transfers(int device) {
  throw std::runtime_error(why_no_cuda(device));
}

}  // namespace terrace::kernels
