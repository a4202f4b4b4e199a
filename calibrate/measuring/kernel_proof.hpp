#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "kernels/cuda/transfers.hpp"
#include "kernels/proof/proofs.hpp"

namespace terrace::calibrate {

/// A copy between the host and a GPU, as kernels::Transfers times it.
struct CopyPath {
  kernels::HostMemory memory = kernels::HostMemory::pinned;
  kernels::Transfer way = kernels::Transfer::to_device;

  auto operator<=>(const CopyPath&) const = default;
};

/// The same of blocks that lie anywhere on the device.
struct BlocksPath {
  kernels::BlockPath path = kernels::BlockPath::loop;
  kernels::Transfer way = kernels::Transfer::to_device;

  auto operator<=>(const BlocksPath&) const = default;
};

/// A kind of kernel of the device, as far as its correctness goes: what a point times, and what is
/// proven before. Points of one kind differ in how large they are.
using TimedKernel = std::variant<kernels::proof::DecodeKernel, kernels::proof::MlaDecodeKernel,
                                 kernels::proof::PrefillKernel, kernels::proof::GemmKernel,
                                 kernels::proof::BytesKernel, CopyPath, BlocksPath>;

/// "decode_attention/bf16/hd128/g4", "transfer/h2d/pinned".
std::string name_of(const TimedKernel& kernel);

/// What came of proving one.
struct KernelFinding {
  std::string kernel;                 // by name_of()
  std::vector<std::string> families;  // that time it
  double error = 0;                   // how far it was off, as kernels::proof has it
  double bound = 0;                   // how far it may be
  std::string failure;                // why there is no error: what the device threw; mostly empty
  bool lost = false;                  // the device, to this process, by this kernel

  [[nodiscard]] bool ok() const { return failure.empty() && error <= bound; }
  /// "relative error 0.25, at most 0.01"
  [[nodiscard]] std::string what() const;
};

/// On small random operands, against the reference in fp64. `transfers` may be null where there is
/// no GPU. Throws Unsupported where the device has no such kernel, and InvariantViolation about
/// contradictions, which are ours; a device's own errors are findings. REQUIRES: paths have
/// `transfers`.
KernelFinding prove(const TimedKernel& kernel, kernels::KernelSet& device,
                    kernels::Transfers* transfers);

}  // namespace terrace::calibrate
