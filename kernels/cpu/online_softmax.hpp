#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "kernels/cpu/exp2.hpp"
#include "kernels/cpu/lanes.hpp"

/// Attention of some query rows, tile by tile of keys, with a softmax that is corrected as larger
/// scores come (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et
/// al., "FlashAttention", 2022). Exponentials are of base 2: queries come multiplied by log2(e).
namespace terrace::kernels::cpu {

constexpr std::int64_t kTile = 16;  // keys; so few that reading the next ones and computing overlap

/// Keys [first, last) of a tile.
struct Seen {
  std::int64_t first = 0;
  std::int64_t last = 0;
  friend bool operator==(const Seen&, const Seen&) = default;
};

/// What a row has gathered: its output is sums / weight, and 2^largest is what both were divided
/// by.
struct Gathered {
  float largest = -std::numeric_limits<float>::infinity();
  float weight = 0;
};

/// Some keys and their values as fp32.
struct Tile {
  Rows<const float> keys{};
  Rows<const float> values{};
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;
};

/// Queries that go through the same tiles.
struct QueryRows {
  Rows<float> q{};       // multiplied with all scales and log2(e)
  Rows<float> scores{};  // of one tile
  Rows<float> sums{};    // of values by weight
  Gathered* gathered = nullptr;
};

/// Brings what a row has gathered to a larger divisor.
[[gnu::always_inline]] inline void correct(Gathered& row, float largest, float* sums,
                                           std::int64_t dim) {
  const float factor = exp2_of_negative(row.largest - largest);
  row.largest = largest;
  row.weight *= factor;
  for (std::int64_t d = 0; d < dim; ++d) sums[d] *= factor;
}

/// Scores of one row become weights, 0 outside of what it sees.
template <int Lanes>
[[gnu::always_inline]] inline void weigh(Gathered& row, float* scores, Seen seen, float* sums,
                                         std::int64_t dim) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  for (std::int64_t t = 0; t < seen.first; ++t) scores[t] = kNever;
  for (std::int64_t t = seen.last; t < kTile; ++t) scores[t] = kNever;
  Floats<Lanes> top = load<Lanes>(scores);
  for (std::int64_t t = Lanes; t < kTile; t += Lanes) {
    const Floats<Lanes> x = load<Lanes>(scores + t);
    top = x > top ? x : top;
  }
  const float largest = largest_of<Lanes>(top);
  if (largest > row.largest) correct(row, largest, sums, dim);
  Floats<Lanes> total{};
  for (std::int64_t t = 0; t < kTile; t += Lanes) {
    const Floats<Lanes> weights = exp2_of_negative<Lanes>(load<Lanes>(scores + t) - row.largest);
    store<Lanes>(scores + t, weights);
    total += weights;
  }
  row.weight += sum_of<Lanes>(total);
}

/// RowCount rows that see the same keys of a tile.
template <int Lanes, int RowCount>
[[gnu::always_inline]] inline void attend_rows(const QueryRows& state, std::int64_t row,
                                               const Tile& tile, Seen seen) {
  constexpr int kKeys = RowCount == 1 ? 4 : kBesideFour<Lanes>;
  const Rows<const float> q{state.q[row], state.q.stride};
  std::int64_t t = seen.first;
  for (; t + kKeys <= seen.last; t += kKeys) {
    dot_products<Lanes, RowCount, kKeys>(q, {tile.keys[t], tile.keys.stride}, tile.key_dim,
                                         {state.scores[row] + t, state.scores.stride});
  }
  for (; t < seen.last; ++t) {
    dot_products<Lanes, RowCount, 1>(q, {tile.keys[t], tile.keys.stride}, tile.key_dim,
                                     {state.scores[row] + t, state.scores.stride});
  }
  for (std::int64_t i = row; i < row + RowCount; ++i) {
    weigh<Lanes>(state.gathered[i], state.scores[i], seen, state.sums[i], tile.value_dim);
  }
  add_weighted_rows<Lanes, RowCount>({state.scores[row], state.scores.stride}, seen.first,
                                     seen.last, tile.values, tile.value_dim,
                                     {state.sums[row], state.sums.stride});
}

/// Lets all rows attend to a tile, each to what it sees and to no other key.
template <int Lanes>
[[gnu::always_inline]] inline void attend(const QueryRows& state, const Tile& tile,
                                          std::span<const Seen> seen) {
  for (std::size_t r = 0; r < seen.size();) {
    const auto row = static_cast<std::int64_t>(r);
    if (seen[r].first >= seen[r].last) {
      ++r;
    } else if (r + 4 <= seen.size() && seen[r] == seen[r + 1] && seen[r] == seen[r + 2] &&
               seen[r] == seen[r + 3]) {
      attend_rows<Lanes, 4>(state, row, tile, seen[r]);
      r += 4;
    } else {
      attend_rows<Lanes, 1>(state, row, tile, seen[r]);
      ++r;
    }
  }
}

}  // namespace terrace::kernels::cpu
