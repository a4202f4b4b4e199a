#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/array.hpp"
#include "kernels/cpu/threads.hpp"

/// What a layer does besides products and attention: on rows of fp32 numbers, a row per token, each
/// by itself, so that a row comes out the same whatever else is in the step.
namespace terrace::labs {

using kernels::cpu::Threads;

/// Divided by their root mean square, times `gains` (Zhang & Sennrich, "Root mean square layer
/// normalization", 2019); rounded to what `to` is made of.
void norm_row(const float* from, std::span<const float> gains, kernels::Array to,
              std::int64_t offset);

/// The same for rows without gaps.
void rms_norm(Threads& threads, std::int64_t rows, const float* from, std::span<const float> gains,
              kernels::Array to);

/// silu(gate) * up of rows [gates | ups] of 2 * `size` numbers (Shazeer, "GLU variants improve
/// transformer", 2020); rounded, without gaps.
void gate(Threads& threads, std::int64_t rows, const float* gate_up, std::int64_t size,
          kernels::Array to);

/// to += from.
void add(Threads& threads, std::int64_t count, const float* from, float* to);

/// Rotary positions (Su et al., "RoFormer", 2021): numbers i and i + dim / 2 of a head are turned
/// by position * 10000^(-2i / dim).
class Rotation {
 public:
  explicit Rotation(std::int64_t dim) : dim_(dim) {}

  /// Has angles of all positions below `positions`.
  void prepare(std::int64_t positions);

  /// Turns a head in place. REQUIRES: prepared for that position.
  void turn(float* head, std::int64_t position) const;

 private:
  std::int64_t dim_;
  std::vector<float> cosines_;  // [position][dim / 2]
  std::vector<float> sines_;
};

/// `size` numbers of a row, rounded.
void round_row(const float* from, std::int64_t size, kernels::Array to, std::int64_t offset);

/// Calls f(row) for all, by some threads if there is much to do: `numbers` of each row.
template <class F>
void each_row(Threads& threads, std::int64_t rows, std::int64_t numbers, const F& f) {
  constexpr std::int64_t kPiece = 16384;  // numbers, below which waking a thread does not pay
  const std::int64_t at_once = std::max<std::int64_t>(kPiece / numbers, 1);
  threads.run(static_cast<std::size_t>((rows + at_once - 1) / at_once), [&](std::size_t piece) {
    const std::int64_t first = static_cast<std::int64_t>(piece) * at_once;
    for (std::int64_t r = first; r < std::min(first + at_once, rows); ++r) f(r);
  });
}

}  // namespace terrace::labs
