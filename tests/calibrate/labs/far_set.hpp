#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/mman.h>

#include "kernels/cpu/cpu_set.hpp"

namespace terrace::tests {

/// A set whose memory the host cannot touch, as a GPU's: whoever tries dies. Its addresses are
/// reserved, and nothing is there; the set knows which memory of another one they stand for, and
/// refuses addresses of the host's. New memory is full of NaNs.
class FarSet final : public kernels::KernelSet {
 public:
  /// That does what `near` does.
  explicit FarSet(std::shared_ptr<kernels::KernelSet> near = std::make_shared<kernels::CpuSet>(1))
      : near_(std::move(near)) {}

  [[nodiscard]] std::string description() const override { return "far"; }
  [[nodiscard]] Bytes free_memory() const override { return near_->free_memory(); }
  [[nodiscard]] Bytes cache() const override { return near_->cache(); }

  std::shared_ptr<std::byte> allocate(Bytes size) override {
    const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(size.count(), 1));
    void* place = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw std::bad_alloc();
    auto memory = near_->allocate(Bytes{static_cast<std::int64_t>(bytes)});
    std::memset(memory.get(), 0xff, bytes);
    auto* far = static_cast<std::byte*>(place);
    regions_->emplace(far, Region{bytes, std::move(memory)});
    return {far, [regions = regions_](std::byte* begin) {
              ::munmap(begin, regions->at(begin).bytes);
              regions->erase(begin);
            }};
  }
  void upload(std::byte* to, std::span<const std::byte> from) override {
    near_->upload(near(to), from);
  }
  void download(std::span<std::byte> to, const std::byte* from) override {
    near_->download(to, near(from));
  }

  kernels::Start prepare(const kernels::PagedDecode& op) override { return attention(op); }
  kernels::Start prepare(const kernels::PagedPrefill& op) override { return attention(op); }
  kernels::Start prepare(const kernels::MlaDecode& op) override {
    kernels::MlaDecode here = op;
    move(here.q, here.kv.tokens, here.out);
    return near_->prepare(here);
  }
  kernels::Start prepare(const kernels::BlockGather& op) override {
    kernels::BlockGather here = op;
    move(here.pool, here.staging);
    return near_->prepare(here);
  }
  kernels::Start prepare(const kernels::BlockScatter& op) override {
    kernels::BlockScatter here = op;
    move(here.pool, here.staging);
    return near_->prepare(here);
  }
  kernels::Start prepare(const kernels::Gemm& op) override {
    kernels::Gemm here = op;
    move(here.a, here.b, here.c);
    return near_->prepare(here);
  }
  kernels::Start prepare(const kernels::StreamCopy& op) override {
    kernels::StreamCopy here = op;
    move(here.from, here.to);
    return near_->prepare(here);
  }
  kernels::Start prepare(const kernels::StreamRead& op) override {
    kernels::StreamRead here = op;
    move(here.from, here.sum);
    return near_->prepare(here);
  }
  kernels::Start prepare(const kernels::StreamWrite& op) override {
    kernels::StreamWrite here = op;
    move(here.to);
    return near_->prepare(here);
  }

  void wait() override { near_->wait(); }
  double seconds(std::span<const kernels::Start> in_turn, int rounds) override {
    return near_->seconds(in_turn, rounds);
  }

 private:
  struct Region {
    std::size_t bytes = 0;
    std::shared_ptr<std::byte> near;
  };

  /// What an address stands for.
  [[nodiscard]] std::byte* near(const void* far) const {
    const auto* address = static_cast<const std::byte*>(far);
    const auto next = regions_->upper_bound(address);
    if (next != regions_->begin()) {
      const auto& [begin, region] = *std::prev(next);
      const auto offset = static_cast<std::size_t>(address - begin);
      if (offset < region.bytes) return region.near.get() + offset;
    }
    throw std::logic_error("the host's memory, where the device's is wanted");
  }

  template <class Void>
  void move_one(kernels::ElementPointer<Void>& array) const {
    array.begin = near(array.begin);
  }
  template <class T>
  void move_one(T*& pointer) const {
    pointer = reinterpret_cast<T*>(near(pointer));
  }
  template <class T>
  void move_one(std::span<T>& span) const {
    span = {reinterpret_cast<T*>(near(span.data())), span.size()};
  }
  template <class... Places>
  void move(Places&... places) const {
    (move_one(places), ...);
  }

  template <class Op>
  kernels::Start attention(const Op& op) {
    Op here = op;
    move(here.q, here.kv.keys, here.kv.values, here.out);
    return near_->prepare(here);
  }

  std::shared_ptr<kernels::KernelSet> near_;
  std::shared_ptr<std::map<const std::byte*, Region>> regions_ =
      std::make_shared<std::map<const std::byte*, Region>>();
};

}  // namespace terrace::tests
