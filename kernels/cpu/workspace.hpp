#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/array.hpp"
#include "kernels/cpu/float_buffer.hpp"
#include "kernels/cpu/online_softmax.hpp"
#include "kernels/paged.hpp"

namespace terrace::kernels::cpu {

/// A sequence's rows of paged keys or values, for one kv head.
struct PagedRows {
  ConstArray elements;
  const std::int32_t* blocks = nullptr;
  std::int64_t page = 0;
  std::int64_t first = 0;  // offset of the head in a block
  std::int64_t block_stride = 0;
  std::int64_t token_stride = 0;

  [[nodiscard, gnu::always_inline]] std::int64_t offset(std::int64_t token) const {
    return blocks[token / page] * block_stride + first + token % page * token_stride;
  }
};

inline PagedRows paged_rows(const PagedKv& kv, ConstArray elements, const BlockTable& table,
                            std::int64_t sequence, std::int64_t head) {
  const auto row = static_cast<std::size_t>(sequence * table.width);
  return {elements,        table.blocks.subspan(row).data(),
          kv.page,         head * kv.head_stride,
          kv.block_stride, kv.token_stride};
}

/// `dim` numbers from `offset` on, times `factor`.
[[gnu::always_inline]] inline void widen(ConstArray a, std::int64_t offset, std::int64_t dim,
                                         float factor, float* to) {
  with_elements(
      a, [=](const auto* x) __attribute__((always_inline)) {
        for (std::int64_t d = 0; d < dim; ++d) to[d] = to_float(x[offset + d]) * factor;
      });
}

/// Asks for a row that will be read after the next: blocks are in no order that hardware foresees.
[[gnu::always_inline]] inline void prefetch(ConstArray a, std::int64_t offset, std::int64_t dim) {
  constexpr std::int64_t kLine = 64;
  const std::byte* begin = static_cast<const std::byte*>(a.begin) + offset * bytes_of(a.type);
  for (std::int64_t b = 0; b < dim * bytes_of(a.type); b += kLine) __builtin_prefetch(begin + b);
}

/// Tokens [first, last) of those up to `end`, a row each.
[[gnu::always_inline]] inline void widen_tokens(const PagedRows& from, std::int64_t first,
                                                std::int64_t last, std::int64_t end,
                                                std::int64_t dim, Rows<float> to) {
  for (std::int64_t t = first; t < last; ++t) {
    if (t + kTile < end) prefetch(from.elements, from.offset(t + kTile), dim);
    widen(from.elements, from.offset(t), dim, 1, to[t - first]);
  }
}

/// What the attention of some rows needs besides its operands.
class Workspace {
 public:
  Workspace(std::int64_t rows, std::int64_t key_dim, std::int64_t value_dim)
      : numbers_(rows * (key_dim + kTile + value_dim) + kTile * (key_dim + value_dim)),
        gathered_(static_cast<std::size_t>(rows)),
        seen_(static_cast<std::size_t>(rows)) {
    float* next = numbers_.data();
    const auto take = [&](std::int64_t count, std::int64_t stride) {
      const Rows<float> taken{next, stride};
      next += count * stride;
      return taken;
    };
    state_ = {take(rows, key_dim), take(rows, kTile), take(rows, value_dim), gathered_.data()};
    keys_ = take(kTile, key_dim);
    values_ = take(kTile, value_dim);
    std::fill_n(state_.sums.begin, rows * value_dim, 0.0F);
  }

  [[nodiscard]] const QueryRows& state() const { return state_; }
  [[nodiscard]] Rows<float> keys() const { return keys_; }
  [[nodiscard]] Rows<float> values() const { return values_; }
  [[nodiscard]] std::span<Seen> seen() { return seen_; }

 private:
  FloatBuffer numbers_;
  std::vector<Gathered> gathered_;
  std::vector<Seen> seen_;
  QueryRows state_;
  Rows<float> keys_{};
  Rows<float> values_{};
};

}  // namespace terrace::kernels::cpu
