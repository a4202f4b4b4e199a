#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/kernel_set.hpp"
#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"

/// How a set of kernels is shown to compute what operations mean: random operands, ragged and in no
/// order, results that are poisoned before, and what they are compared with. Calibration proves a
/// device with it before it times anything there; tests draw far more of the same.
namespace terrace::kernels::proof {

/// Elements that own their memory. They start as NaN, whatever their type: who reads what was not
/// set gets NaN, and what was not written is NaN still.
class Tensor {
 public:
  Tensor(Element type, std::int64_t count)
      : type_(type),
        count_(count),
        bytes_(static_cast<std::size_t>(count * bytes_of(type)), std::byte{0xff}) {}

  [[nodiscard]] Array writable() { return {type_, bytes_.data()}; }
  [[nodiscard]] ConstArray view() const { return {type_, bytes_.data()}; }
  [[nodiscard]] std::int64_t count() const { return count_; }

  void set(std::int64_t i, double value) {
    with_elements(writable(),
                  [&]<class T>(T* x) { x[i] = round_to<T>(static_cast<float>(value)); });
  }
  [[nodiscard]] double at(std::int64_t i) const {
    double value = 0;
    with_elements(view(), [&](const auto* x) { value = static_cast<double>(to_float(x[i])); });
    return value;
  }
  void fill(Random random, double deviation = 1) {
    for (std::int64_t i = 0; i < count_; ++i) set(i, normal(random, 0, deviation));
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }

  friend bool operator==(const Tensor&, const Tensor&) = default;

 private:
  Element type_;
  std::int64_t count_;
  std::vector<std::byte> bytes_;
};

inline std::vector<std::byte> random_bytes(std::size_t count, Random random) {
  std::vector<std::byte> bytes(count);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
  return bytes;
}

/// Bytes that were copied to the memory of a set of kernels, aligned like its own.
class Placed {
 public:
  Placed(KernelSet& set, std::span<const std::byte> bytes)
      : set_(&set), memory_(set.allocate(Bytes{static_cast<std::int64_t>(bytes.size())})) {
    set.upload(begin(), bytes);
  }
  Placed(KernelSet& set, const Tensor& tensor) : Placed(set, tensor.bytes()) {
    type_ = tensor.view().type;
  }

  [[nodiscard]] std::byte* begin() const { return memory_.get(); }
  [[nodiscard]] ConstArray view() const { return {type_, begin()}; }
  [[nodiscard]] Array writable() const { return {type_, begin()}; }
  void fetch(std::span<std::byte> to) const { set_->download(to, begin()); }

 private:
  KernelSet* set_;
  std::shared_ptr<std::byte> memory_;
  Element type_ = Element::fp32;
};

/// A result in the memory of a set of kernels: as `poison` has it, between guards that nothing may
/// write to.
class Result {
 public:
  Result(KernelSet& set, std::span<const std::byte> poison)
      : bytes_(poison.size()), memory_(set, guarded(poison)) {}
  Result(KernelSet& set, const Tensor& poison) : Result(set, poison.bytes()) {
    type_ = poison.view().type;
  }

  [[nodiscard]] std::byte* begin() const { return memory_.begin() + kGuard; }
  [[nodiscard]] Array writable() const { return {type_, begin()}; }

  /// What was written. Throws std::runtime_error if that was not all inside. REQUIRES: as many
  /// bytes as the poison had.
  void fetch(std::span<std::byte> to) const {
    std::vector<std::byte> all(bytes_ + 2 * kGuard);
    memory_.fetch(all);
    const auto inside = std::span<const std::byte>(all).subspan(kGuard, bytes_);
    const auto kept = [](std::byte b) { return b == kMark; };
    if (!std::all_of(all.begin(), all.begin() + kGuard, kept) ||
        !std::all_of(all.end() - kGuard, all.end(), kept)) {
      throw std::runtime_error("writes beside its result");
    }
    std::copy(inside.begin(), inside.end(), to.begin());
  }

 private:
  static constexpr std::ptrdiff_t kGuard = 256;  // bytes: what alignment results have, they keep
  static constexpr std::byte kMark{0xa5};

  static std::vector<std::byte> guarded(std::span<const std::byte> poison) {
    std::vector<std::byte> all(poison.size() + 2 * kGuard, kMark);
    std::copy(poison.begin(), poison.end(), all.begin() + kGuard);
    return all;
  }

  std::size_t bytes_;
  Placed memory_;
  Element type_ = Element::fp32;
};

}  // namespace terrace::kernels::proof
