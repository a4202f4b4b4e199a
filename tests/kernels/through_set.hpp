#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels::tests {

/// Another set, in all but what is overridden.
class ThroughSet : public KernelSet {
 public:
  explicit ThroughSet(std::shared_ptr<KernelSet> other) : other_(std::move(other)) {}

  [[nodiscard]] std::string description() const override { return other_->description(); }
  [[nodiscard]] std::string caveat() const override { return other_->caveat(); }
  [[nodiscard]] Bytes free_memory() const override { return other_->free_memory(); }
  [[nodiscard]] Bytes cache() const override { return other_->cache(); }

  std::shared_ptr<std::byte> allocate(Bytes size) override { return other_->allocate(size); }
  void upload(std::byte* to, std::span<const std::byte> from) override { other_->upload(to, from); }
  void download(std::span<std::byte> to, const std::byte* from) override {
    other_->download(to, from);
  }

  Start prepare(const PagedDecode& op) override { return other_->prepare(op); }
  Start prepare(const MlaDecode& op) override { return other_->prepare(op); }
  Start prepare(const PagedPrefill& op) override { return other_->prepare(op); }
  Start prepare(const BlockGather& op) override { return other_->prepare(op); }
  Start prepare(const BlockScatter& op) override { return other_->prepare(op); }
  Start prepare(const Gemm& op) override { return other_->prepare(op); }
  Start prepare(const StreamCopy& op) override { return other_->prepare(op); }
  Start prepare(const StreamRead& op) override { return other_->prepare(op); }
  Start prepare(const StreamWrite& op) override { return other_->prepare(op); }

  void wait() override { other_->wait(); }
  double seconds(std::span<const Start> in_turn, int rounds) override {
    return other_->seconds(in_turn, rounds);
  }

 protected:
  [[nodiscard]] KernelSet& other() { return *other_; }

 private:
  std::shared_ptr<KernelSet> other_;
};

}  // namespace terrace::kernels::tests
