#include "calibrate/labs/rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <Eigen/Core>

#include "sim/base/check.hpp"

namespace terrace::labs {
namespace {

using Numbers = Eigen::Map<const Eigen::ArrayXf>;

template <class Expression>
void round_to_row(const Expression& numbers, kernels::Array to, std::int64_t offset) {
  kernels::with_elements(to, [&]<class T>(T* out) {
    if constexpr (std::is_same_v<T, float>) {
      Eigen::Map<Eigen::ArrayXf>(out + offset, numbers.size()) = numbers;
    } else {
      // In pieces that stay in registers or nearly so: the expression first, then its rounding.
      constexpr Eigen::Index kPiece = 64;
      Eigen::Array<float, kPiece, 1> piece;
      for (Eigen::Index first = 0; first < numbers.size(); first += kPiece) {
        const Eigen::Index count = std::min(kPiece, numbers.size() - first);
        piece.head(count) = numbers.segment(first, count);
        for (Eigen::Index i = 0; i < count; ++i) {
          out[offset + first + i] = kernels::round_to<T>(piece[i]);
        }
      }
    }
  });
}

}  // namespace

void norm_row(const float* from, std::span<const float> gains, kernels::Array to,
              std::int64_t offset) {
  constexpr float kLeast = 1e-6F;  // added to the mean square
  const auto size = static_cast<std::int64_t>(gains.size());
  const Numbers x(from, size);
  const float factor = 1 / std::sqrt(x.square().mean() + kLeast);
  round_to_row(x * Numbers(gains.data(), size) * factor, to, offset);
}

void rms_norm(Threads& threads, std::int64_t rows, const float* from, std::span<const float> gains,
              kernels::Array to) {
  const auto size = static_cast<std::int64_t>(gains.size());
  each_row(threads, rows, size,
           [&](std::int64_t row) { norm_row(from + row * size, gains, to, row * size); });
}

void gate(Threads& threads, std::int64_t rows, const float* gate_up, std::int64_t size,
          kernels::Array to) {
  each_row(threads, rows, 8 * size, [&](std::int64_t row) {
    const Numbers gates(gate_up + 2 * row * size, size);
    const Numbers ups(gate_up + (2 * row + 1) * size, size);
    round_to_row(gates / (1 + (-gates).exp()) * ups, to, row * size);
  });
}

void add(Threads& threads, std::int64_t count, const float* from, float* to) {
  constexpr std::int64_t kRow = 4096;
  each_row(threads, (count + kRow - 1) / kRow, kRow, [&](std::int64_t row) {
    const std::int64_t size = std::min(kRow, count - row * kRow);
    Eigen::Map<Eigen::ArrayXf>(to + row * kRow, size) += Numbers(from + row * kRow, size);
  });
}

void Rotation::prepare(std::int64_t positions) {
  const std::int64_t half = dim_ / 2;
  for (auto p = static_cast<std::int64_t>(cosines_.size()) / half; p < positions; ++p) {
    for (std::int64_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(p) *
                           std::pow(1e4, -2.0 * static_cast<double>(i) / static_cast<double>(dim_));
      cosines_.push_back(static_cast<float>(std::cos(angle)));
      sines_.push_back(static_cast<float>(std::sin(angle)));
    }
  }
}

void Rotation::turn(float* head, std::int64_t position) const {
  const std::int64_t half = dim_ / 2;
  const Numbers cosine(cosines_.data() + position * half, half);
  const Numbers sine(sines_.data() + position * half, half);
  Eigen::Map<Eigen::ArrayXf> low(head, half);
  Eigen::Map<Eigen::ArrayXf> high(head + half, half);
  const Eigen::ArrayXf was = low;
  low = was * cosine - high * sine;
  high = was * sine + high * cosine;
}

void round_row(const float* from, std::int64_t size, kernels::Array to, std::int64_t offset) {
  round_to_row(Numbers(from, size), to, offset);
}

}  // namespace terrace::labs
