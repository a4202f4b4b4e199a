#include "sim/cost/forms/gemm.hpp"

#include <algorithm>
#include <limits>

#include "sim/base/p_norm.hpp"

namespace terrace::forms {
namespace {

// Outputs that one SM computes together. Powers of two, so that counting tiles needs no division.
struct Tile {
  int rows_log2;
  int columns_log2;

  constexpr double rows() const { return 1 << rows_log2; }
  constexpr double columns() const { return 1 << columns_log2; }
  constexpr double size() const { return rows() * columns(); }
};

constexpr Tile k16x64{4, 6}, k32x64{5, 6}, k64x64{6, 6}, k64x128{6, 7}, k128x64{7, 6},
    k128x128{7, 7}, k256x128{8, 7}, k64x256{6, 8}, k128x256{7, 8};

// cuBLAS has dozens; more of these do not fit better.
constexpr std::array kLibrary{k16x64,   k32x64,   k64x64,  k64x128, k128x64,
                              k128x128, k256x128, k64x256, k128x256};

constexpr double kTurn = 64;              // elements of k per turn of the main loop
constexpr double kPieceTurns = 4;         // in a piece of k, where idle SMs abound
constexpr double kLong = 1e-3;            // seconds: a clock goes down in about that time
constexpr double kPartial = 8;            // bytes: fp32, written and read
constexpr double kQuantised = 2 + 2 + 1;  // bytes: read for the maximum, read again, written

std::int64_t ceil_shift(std::int64_t a, int log2) {
  return (a + (std::int64_t{1} << log2) - 1) >> log2;
}

// Of positive numbers. The standard ones are calls without SSE 4.1.
double floor(double x) { return static_cast<double>(static_cast<std::int64_t>(x)); }
double ceil(double x) {
  const double below = floor(x);
  return below < x ? below + 1 : below;
}

double pow8(double x) {
  x *= x;
  x *= x;
  return x * x;
}

class Product {
 public:
  Product(std::span<const double> p, const Chip& chip, const Gemm::Case& call)
      : launch(p[0]),
        bandwidth(p[1]),
        flops_time(2 * chip.sms / p[2]),
        feed_time(chip.sms / p[3]),
        drain_time(2 * chip.sms / p[4]),
        split(p[5]),
        throttle(p[6]),
        warm(p[7]),
        held(p[8] * chip.l2_bytes),
        rounding(p[9]),
        row(p[10]),
        quantise(p[11]),
        wide(p[12]),
        sms(chip.sms),
        x(call),
        quantised(bits(x.weights) == 8),
        w_element(bytes_per_element(x.weights)),
        x_element(quantised ? 1 : 2),
        m(static_cast<double>(x.m)),
        n(static_cast<double>(x.n)),
        k(static_cast<double>(x.k)),
        turns(ceil(k / kTurn)),
        partial(kPartial * m * n / p[3]) {}

  double seconds() const {
    double compute = quantised ? by_tokens() : best_tile();
    compute *= 1 + throttle * compute / (compute + kLong);
    return launch + (quantised && !x.tokens_quantised ? quantisation() : 0) +
           p_norm3(memory_time(), compute);
  }

 private:
  // Cost of a byte, against one from memory, if `between` bytes go through L2 from use to use.
  double cost(double between) const {
    const double kept = 1 / (1 + pow8(between / held));
    return 1 - kept + kept / warm;
  }

  double memory_time() const {
    const double weights = w_element * n * k;
    const double activations = x_element * m * k + 2 * m * n;
    const double weights_cost =
        x.rotation == 0 ? 1 : cost(static_cast<double>(x.rotation) * weights + activations);
    return (weights * weights_cost + activations * cost(weights + activations)) / bandwidth;
  }

  double quantisation() const {
    const double elements = m * k;
    return row * m + kQuantised * elements / quantise * cost(3 * elements);
  }

  double tiles(Tile tile) const {
    return static_cast<double>(ceil_shift(x.m, tile.rows_log2) *
                               ceil_shift(x.n, tile.columns_log2));
  }

  double turn(Tile tile) const {
    return kTurn * std::max(tile.size() * flops_time,
                            (tile.rows() * x_element + tile.columns() * w_element) * feed_time);
  }

  double drained(Tile tile) const { return tile.size() * drain_time; }

  double whole(Tile tile, double count) const {
    const double share = count / sms;
    const double waves = rounding * ceil(share) + (1 - rounding) * std::max(1.0, share);
    return waves * (turns * turn(tile) + drained(tile));
  }
  double whole(Tile tile) const { return whole(tile, tiles(tile)); }

  double in_pieces(Tile tile, double pieces) const {
    return ceil(turns / pieces) * turn(tile) + drained(tile) + split + pieces * partial;
  }

  double best_tile() const {
    double best = std::numeric_limits<double>::infinity();
    for (const Tile tile : kLibrary) {
      const double count = tiles(tile);
      best = std::min(best, whole(tile, count));
      if (2 * count > sms || split + drained(tile) >= best) {
        continue;
      }
      const double pieces = std::min(floor(sms / count), ceil(turns / kPieceTurns));
      if (pieces >= 2) {
        best = std::min(best, in_pieces(tile, pieces));
      }
      if (pieces >= 4) {
        best = std::min(best, in_pieces(tile, floor(pieces / 2)));
      }
    }
    return best;
  }

  // vLLM's dispatch of CUTLASS kernels. Where the wide tiles begin differs from GPU to GPU.
  double by_tokens() const {
    const double narrow = x.m <= 64 ? whole(k64x64) : std::min(whole(k64x128), whole(k128x64));
    const double broad = std::max(narrow, whole(k128x128));
    const double above = pow8(m / wide);
    return narrow + (broad - narrow) * (1 - 1 / (1 + above * above));
  }

  double launch, bandwidth, flops_time, feed_time, drain_time, split, throttle, warm, held,
      rounding, row, quantise, wide, sms;
  const Gemm::Case& x;
  bool quantised;
  double w_element, x_element, m, n, k;
  double turns, partial;
};

}  // namespace

double Gemm::seconds(std::span<const double> p, const Chip& chip, const Case& x) {
  return Product(p, chip, x).seconds();
}

}  // namespace terrace::forms
