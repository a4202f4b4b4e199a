#pragma once

#include "kernels/host_set.hpp"

namespace terrace::kernels {

/// What the operations mean, in fp64, one number after the other: what other sets are checked
/// against. Shares conversions and layouts with them and nothing else.
class ReferenceSet final : public HostSet {
 public:
  [[nodiscard]] std::string description() const override {
    return processor_name() + ", in fp64, one number after the other";
  }

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
};

}  // namespace terrace::kernels
