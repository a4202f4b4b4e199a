#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <sys/mman.h>

#include "kernels/cpu/cpu_set.hpp"

namespace terrace::tests {

/// A set whose memory the host cannot touch, as a GPU's: whoever tries dies. It can be reached only
/// while the set itself is at work. New memory is full of NaNs.
class FarSet final : public kernels::KernelSet {
 public:
  [[nodiscard]] std::string description() const override { return "far"; }
  [[nodiscard]] Bytes free_memory() const override { return near_.free_memory(); }
  [[nodiscard]] Bytes cache() const override { return near_.cache(); }

  std::shared_ptr<std::byte> allocate(Bytes size) override {
    constexpr std::size_t kPage = 4096;
    const auto bytes = (static_cast<std::size_t>(size.count()) + kPage) / kPage * kPage;
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    std::memset(memory, 0xff, bytes);
    const std::span region(static_cast<std::byte*>(memory), bytes);
    ::mprotect(memory, bytes, PROT_NONE);
    regions_->push_back(region);
    return {region.data(), [regions = regions_, region](std::byte*) {
              ::munmap(region.data(), region.size());
              std::erase_if(*regions, [&](auto other) { return other.data() == region.data(); });
            }};
  }
  void upload(std::byte* to, std::span<const std::byte> from) override {
    const Opened opened(*regions_);
    near_.upload(to, from);
  }
  void download(std::span<std::byte> to, const std::byte* from) override {
    const Opened opened(*regions_);
    near_.download(to, from);
  }

  kernels::Start prepare(const kernels::PagedDecode& op) override { return far(op); }
  kernels::Start prepare(const kernels::MlaDecode& op) override { return far(op); }
  kernels::Start prepare(const kernels::PagedPrefill& op) override { return far(op); }
  kernels::Start prepare(const kernels::BlockGather& op) override { return far(op); }
  kernels::Start prepare(const kernels::BlockScatter& op) override { return far(op); }
  kernels::Start prepare(const kernels::Gemm& op) override { return far(op); }
  kernels::Start prepare(const kernels::StreamCopy& op) override { return far(op); }
  kernels::Start prepare(const kernels::StreamRead& op) override { return far(op); }
  kernels::Start prepare(const kernels::StreamWrite& op) override { return far(op); }

  void wait() override { near_.wait(); }
  double seconds(std::span<const kernels::Start> in_turn, int rounds) override {
    return near_.seconds(in_turn, rounds);
  }

 private:
  using Regions = std::vector<std::span<std::byte>>;

  /// All memory, while this lives.
  class Opened {
   public:
    explicit Opened(const Regions& regions) : regions_(regions) { protect(PROT_READ | PROT_WRITE); }
    ~Opened() { protect(PROT_NONE); }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

   private:
    void protect(int how) const {
      for (const auto region : regions_) ::mprotect(region.data(), region.size(), how);
    }
    const Regions& regions_;
  };

  template <class Op>
  kernels::Start far(const Op& op) {
    return [this, start = near_.prepare(op)] {
      const Opened opened(*regions_);
      start();
    };
  }

  kernels::CpuSet near_{1};
  std::shared_ptr<Regions> regions_ = std::make_shared<Regions>();
};

}  // namespace terrace::tests
