#pragma once

#include "kernels/kernel_set.hpp"

namespace terrace::kernels {

/// What the operations mean, in fp64, one number after the other: what other sets are checked
/// against. Shares conversions and layouts with them and nothing else.
class ReferenceSet final : public KernelSet {
 public:
  void run(const PagedDecode& op) override;
  void run(const MlaDecode& op) override;
  void run(const PagedPrefill& op) override;
  void run(const BlockGather& op) override;
  void run(const BlockScatter& op) override;
  void run(const Gemm& op) override;
  void run(const StreamCopy& op) override;
  void run(const StreamRead& op) override;
  void run(const StreamWrite& op) override;
};

}  // namespace terrace::kernels
