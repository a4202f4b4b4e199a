#include "kernels/gemm.hpp"

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cpu/float_buffer.hpp"
#include "kernels/cpu/lanes.hpp"

namespace terrace::kernels {
namespace cpu {
namespace {

constexpr std::int64_t kRows = 32;     // of A: with kDepth numbers each they stay in an L1
constexpr std::int64_t kColumns = 64;  // rows of B, which stay in an L2
constexpr std::int64_t kDepth = 256;   // of the sums that a pass adds to

constexpr std::int64_t up(std::int64_t count, std::int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

/// Numbers [l, l + depth) of `rows` rows from `first` on, as fp32, with zeros up to what products
/// of registers take.
[[gnu::always_inline]] inline void pack(ConstArray from, std::int64_t first, std::int64_t rows,
                                        std::int64_t k, std::int64_t l, std::int64_t depth,
                                        Rows<float> to, std::int64_t to_rows) {
  for (std::int64_t r = 0; r < to_rows; ++r) {
    const std::int64_t filled = r < rows ? depth : 0;
    with_elements(
        from, [=](const auto* x) __attribute__((always_inline)) {
          const auto* row = x + (first + r) * k + l;
          for (std::int64_t d = 0; d < filled; ++d) to[r][d] = to_float(row[d]);
        });
    std::fill(to[r] + filled, to[r] + up(depth, 16), 0.0F);
  }
}

/// A rows of A with all of B's.
template <int Lanes, int A, int B>
[[gnu::always_inline]] inline void add_products(Rows<const float> a, Rows<const float> b,
                                                std::int64_t columns, std::int64_t depth,
                                                Rows<float> c) {
  for (std::int64_t j = 0; j < columns; j += B) {
    float found[std::size_t{A}][std::size_t{B}];
    dot_products<Lanes, A, B>(a, {b[j], b.stride}, depth, {found[0], B});
    for (std::int64_t i = 0; i < A; ++i) {
      for (std::int64_t n = 0; n < B; ++n) c[i][j + n] += found[i][n];
    }
  }
}

/// A tile of C, beginning at (i, j).
struct TileJob {
  const Gemm& op;
  std::int64_t i;
  std::int64_t j;

  template <int Lanes>
  [[gnu::always_inline]] void run() const {
    const std::int64_t rows = std::min(kRows, op.m - i);
    const std::int64_t columns = std::min(kColumns, op.n - j);
    const std::int64_t all_rows = rows == 1 ? 1 : up(rows, 4);
    const std::int64_t all_columns = up(columns, 4);
    const FloatBuffer memory((kRows + kColumns) * kDepth + kRows * kColumns);
    const Rows<float> a{memory.data(), kDepth};
    const Rows<float> b{a[kRows], kDepth};
    const Rows<float> c{b[kColumns], kColumns};
    std::fill_n(c.begin, kRows * kColumns, 0.0F);

    for (std::int64_t l = 0; l < op.k; l += kDepth) {
      const std::int64_t depth = std::min(kDepth, op.k - l);
      pack(op.a, i, rows, op.k, l, depth, a, all_rows);
      pack(op.b, j, columns, op.k, l, depth, b, all_columns);
      const Rows<const float> packed{b.begin, b.stride};
      if (rows == 1) {
        add_products<Lanes, 1, 4>({a.begin, kDepth}, packed, all_columns, up(depth, 16), c);
      } else {
        for (std::int64_t r = 0; r < all_rows; r += 4) {
          add_products<Lanes, 4, kBesideFour<Lanes>>({a[r], kDepth}, packed, all_columns,
                                                     up(depth, 16), {c[r], kColumns});
        }
      }
    }
    with_elements(op.c, [&]<class T>(T* out) {
      for (std::int64_t r = 0; r < rows; ++r) {
        std::transform(c[r], c[r] + columns, out + (i + r) * op.n + j,
                       [](float x) { return round_to<T>(x); });
      }
    });
  }
};

}  // namespace
}  // namespace cpu

void CpuSet::compute(const Gemm& op) {
  const std::int64_t down = (op.m + cpu::kRows - 1) / cpu::kRows;
  const std::int64_t across = (op.n + cpu::kColumns - 1) / cpu::kColumns;
  threads_.run(static_cast<std::size_t>(down * across), [&](std::size_t piece) {
    const auto p = static_cast<std::int64_t>(piece);
    cpu::run_job(vectors_, cpu::TileJob{op, p % down * cpu::kRows, p / down * cpu::kColumns});
  });
}

}  // namespace terrace::kernels
