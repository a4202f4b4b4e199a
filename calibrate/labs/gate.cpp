#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numbers>

#include "calibrate/labs/rows.hpp"
#include "kernels/cpu/exp2.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/vectors.hpp"

namespace terrace::labs {
namespace {

using kernels::cpu::Floats;

/// A row: the only part of a layer, besides products and attention, that is worth wide registers.
struct GateJob {
  const float* gates = nullptr;
  const float* ups = nullptr;
  std::int64_t size = 0;
  kernels::Array to{};
  std::int64_t offset = 0;

  template <int Lanes>
  [[gnu::always_inline]] static Floats<Lanes> gated(const Floats<Lanes>& x,
                                                    const Floats<Lanes>& up) {
    // e^-|x|, which neither overflows nor loses what is small: silu(x) is x / (1 + e^-x).
    const Floats<Lanes> magnitude = x < 0 ? -x : x;
    const Floats<Lanes> t =
        kernels::cpu::exp2_of_negative<Lanes>(magnitude * -std::numbers::log2e_v<float>);
    const Floats<Lanes> above = x < 0 ? t : Floats<Lanes>{} + 1.0F;
    return x * up * above / (1.0F + t);
  }

  template <int Lanes>
  [[gnu::always_inline]] void run() const {
    constexpr std::int64_t kPiece = 64;
    kernels::with_elements(
        to, [&]<class T>(T * out) __attribute__((always_inline)) {
          for (std::int64_t first = 0; first < size; first += kPiece) {
            const std::int64_t count = std::min(kPiece, size - first);
            const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
            float x[kPiece] = {};
            float up[kPiece] = {};
            std::memcpy(x, gates + first, bytes);
            std::memcpy(up, ups + first, bytes);
            for (std::int64_t i = 0; i < kPiece; i += Lanes) {
              kernels::cpu::store<Lanes>(x + i, gated<Lanes>(kernels::cpu::load<Lanes>(x + i),
                                                             kernels::cpu::load<Lanes>(up + i)));
            }
            for (std::int64_t i = 0; i < count; ++i) {
              out[offset + first + i] = kernels::round_to<T>(x[i]);
            }
          }
        });
  }
};

}  // namespace

void gate(Threads& threads, std::int64_t rows, const float* gate_up, std::int64_t size,
          kernels::Array to) {
  static const kernels::cpu::Vectors vectors = kernels::cpu::supported_vectors().back();
  each_row(threads, rows, 2 * size, [&](std::int64_t row) {
    const float* gates = gate_up + 2 * row * size;
    kernels::cpu::run_job(vectors, GateJob{gates, gates + size, size, to, row * size});
  });
}

}  // namespace terrace::labs
