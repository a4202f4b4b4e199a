#pragma once

#include "kernels/cpu/threads.hpp"
#include "kernels/cpu/vectors.hpp"
#include "kernels/host_set.hpp"

namespace terrace::kernels {

/// The operations as fast as plain C++ makes them: work is cut into pieces for threads, loops are
/// shaped for vector registers. Results are the same for any number of threads; the width of the
/// registers decides the order of sums, and with it the last bits.
class CpuSet final : public HostSet {
 public:
  explicit CpuSet(int threads, cpu::Vectors vectors = cpu::supported_vectors().back())
      : threads_(threads), vectors_(vectors) {}

  [[nodiscard]] std::string description() const override;

 private:
  void compute(const PagedDecode& op) override;
  void compute(const MlaDecode& op) override;
  void compute(const PagedPrefill& op) override;
  void compute(const BlockGather& op) override;
  void compute(const BlockScatter& op) override;
  void compute(const Gemm& op) override;
  void compute(const StreamCopy& op) override;
  void compute(const StreamRead& op) override;
  void compute(const StreamWrite& op) override;

  cpu::Threads threads_;
  cpu::Vectors vectors_;
};

}  // namespace terrace::kernels
