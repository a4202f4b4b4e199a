#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace terrace::kernels::cpu {

/// fp32 numbers that begin on a cache line, unset.
class FloatBuffer {
 public:
  explicit FloatBuffer(std::int64_t count)
      : lines_(std::make_unique_for_overwrite<Line[]>(static_cast<std::size_t>(count / 16 + 1))) {}
  [[nodiscard]] float* data() const { return lines_[0].numbers; }

 private:
  struct alignas(64) Line {
    float numbers[16];
  };
  std::unique_ptr<Line[]> lines_;
};

}  // namespace terrace::kernels::cpu
