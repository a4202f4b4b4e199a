#pragma once

#include "kernels/kernel_set.hpp"

namespace terrace::kernels {

/// A set that computes in the host's memory, on the thread that starts: what is started is done.
class HostSet : public KernelSet {
 public:
  [[nodiscard]] Bytes free_memory() const override;
  [[nodiscard]] Bytes cache() const override;

  std::shared_ptr<std::byte> allocate(Bytes size) override;
  void upload(std::byte* to, std::span<const std::byte> from) override;
  void download(std::span<std::byte> to, const std::byte* from) override;

  Start prepare(const PagedDecode& op) final;
  Start prepare(const MlaDecode& op) final;
  Start prepare(const PagedPrefill& op) final;
  Start prepare(const BlockGather& op) final;
  Start prepare(const BlockScatter& op) final;
  Start prepare(const Gemm& op) final;
  Start prepare(const StreamCopy& op) final;
  Start prepare(const StreamRead& op) final;
  Start prepare(const StreamWrite& op) final;

  void wait() override {}
  double seconds(std::span<const Start> in_turn, int rounds) override;

 private:
  // Does an operation that has been checked.
  virtual void compute(const PagedDecode& op) = 0;
  virtual void compute(const MlaDecode& op) = 0;
  virtual void compute(const PagedPrefill& op) = 0;
  virtual void compute(const BlockGather& op) = 0;
  virtual void compute(const BlockScatter& op) = 0;
  virtual void compute(const Gemm& op) = 0;
  virtual void compute(const StreamCopy& op) = 0;
  virtual void compute(const StreamRead& op) = 0;
  virtual void compute(const StreamWrite& op) = 0;

  template <class Op>
  Start keep(const Op& op);
};

/// The processor's name as the operating system tells it.
std::string processor_name();

}  // namespace terrace::kernels
