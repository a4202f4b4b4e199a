#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "kernels/array.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/units.hpp"

namespace terrace::labs {

/// What follows after so many numbers.
template <class Void>
kernels::ElementPointer<Void> after(kernels::ElementPointer<Void> array, std::int64_t numbers) {
  using Byte = std::conditional_t<std::is_const_v<Void>, const std::byte, std::byte>;
  return {array.type, static_cast<Byte*>(array.begin) + numbers * kernels::bytes_of(array.type)};
}

/// Numbers that the kernels and the host take turns with. Where both use the same memory, there is
/// one copy of them and nothing to move.
class Buffer {
 public:
  Buffer(kernels::KernelSet& kernels, kernels::Element type);

  /// Room for so many numbers. What was in it is lost if it grows.
  void reserve(std::int64_t count);

  /// The numbers as kernels see them, and as the host does.
  [[nodiscard]] kernels::Array array() const { return {type_, memory_.get()}; }
  [[nodiscard]] kernels::ConstArray as_const() const { return {type_, memory_.get()}; }
  [[nodiscard]] kernels::Array host() { return {type_, shared_ ? memory_.get() : host_.data()}; }
  /// REQUIRES: fp32.
  [[nodiscard]] float* numbers() { return host().as<float>(); }

  /// The first `count` numbers, from the host to the kernels and back.
  void upload(std::int64_t count);
  void download(std::int64_t count);

 private:
  [[nodiscard]] std::size_t bytes(std::int64_t count) const {
    return static_cast<std::size_t>(count * kernels::bytes_of(type_));
  }

  kernels::KernelSet& kernels_;
  kernels::Element type_;
  bool shared_;
  std::int64_t room_ = 0;
  std::shared_ptr<std::byte> memory_;
  std::vector<std::byte> host_;
};

}  // namespace terrace::labs
