#pragma once

#include "kernels/cpu/threads.hpp"
#include "kernels/cpu/vectors.hpp"
#include "kernels/kernel_set.hpp"

namespace terrace::kernels {

/// The operations as fast as plain C++ makes them: work is cut into pieces for threads, loops are
/// shaped for vector registers. Results are the same for any number of threads; the width of the
/// registers decides the order of sums, and with it the last bits.
class CpuSet final : public KernelSet {
 public:
  explicit CpuSet(int threads, cpu::Vectors vectors = cpu::supported_vectors().back())
      : threads_(threads), vectors_(vectors) {}

  void run(const PagedDecode& op) override;
  void run(const MlaDecode& op) override;
  void run(const PagedPrefill& op) override;
  void run(const BlockGather& op) override;
  void run(const BlockScatter& op) override;
  void run(const Gemm& op) override;
  void run(const StreamCopy& op) override;
  void run(const StreamRead& op) override;
  void run(const StreamWrite& op) override;

 private:
  cpu::Threads threads_;
  cpu::Vectors vectors_;
};

}  // namespace terrace::kernels
