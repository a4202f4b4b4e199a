#pragma once

#include <memory>
#include <string>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels {

/// Why cuda_set() would throw, in one line: a build without nvcc, no driver, no such device, one
/// that is too old. Empty where there is a GPU to compute with.
std::string why_no_cuda(int device = 0);

/// What a GPU and its software say of themselves.
struct GpuFacts {
  std::string name;    // "NVIDIA H200"
  int capability = 0;  // 90: compute capability 9.0
  int multiprocessors = 0;
  Bytes memory{};  // all of it
  Bytes l2{};
  int driver_cuda = 0;   // 12080: the latest CUDA that the driver knows, 12.8
  int runtime_cuda = 0;  // the one of this program
  std::string pci;       // "0000:3b:00.0", as sysfs has it
};

/// Throws std::runtime_error with why_no_cuda().
GpuFacts gpu_facts(int device = 0);

/// The operations on a GPU of compute capability 8.0 or later. What the set computes is in the
/// order of its starts, on one stream. Attention multiplies 16-bit operands and adds in fp32: takes
/// caches of bf16, fp16 and fp8 (widened to fp16; before 8.9 a NaN becomes 480), rounds queries to
/// the operands' type and weights as well, and takes head dimensions of 64, 128 and 256. Products
/// are cuBLASLt's: results are of the operands' type or fp32, those of fp8 (from compute capability
/// 8.9 on, n and k multiples of 16) of bf16, fp16 or fp32.
///
/// Device code has been tested in an emulation of warps on the host (tests/kernels/simt/), which
/// knows neither a GPU's arithmetic nor its timing; caveat() says so. A set belongs to the thread
/// that made it, as that thread's current device is this one: no other GPU may be used there while
/// the set lives. Throws std::runtime_error with why_no_cuda().
std::unique_ptr<KernelSet> cuda_set(int device = 0);

}  // namespace terrace::kernels
