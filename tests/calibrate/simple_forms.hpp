#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <string_view>

#include "calibrate/fitting/forms/adapter.hpp"
#include "sim/base/portable_math.hpp"
#include "sim/cost/forms/form.hpp"

namespace terrace::testing {

using calibrate::Column;
using calibrate::Row;
using calibrate::Work;
using forms::Parameter;
using forms::Unit;

/// Decode attention: t0 + bytes/BW + c * (b*n_kv)/1000.
struct DecodeLine {
  static constexpr std::string_view kName = "decode-line";
  static constexpr std::array kParameters = {
      Parameter{"t0", Unit::time, 0, 1e-3, 1e-5, "of a call"},
      Parameter{"bandwidth", Unit::bandwidth, 1e10, 1e14, 1e12, "of KV"},
      Parameter{"per_kunit", Unit::time, 0, 1e-3, 1e-5, "of 1000 units"}};
  struct Case {
    double bytes = 0;
    double units = 0;
  };
  static double seconds(std::span<const double> p, const forms::Chip&, const Case& x) {
    return p[0] + x.bytes / p[1] + p[2] * x.units / 1000;
  }
};

struct DecodeLinePoints {
  using Form = DecodeLine;
  static constexpr std::string_view kFamily = "decode_attention";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"num_kv_heads"},
                                          Column{"head_dim"}, Column{"batch"}, Column{"kv_len"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "num_kv_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"kv_len < 1024", "kv_len >= 1024"};
  static constexpr std::string_view kOnly = "head_dim";

  static Form::Case case_of(const Row& row) {
    const double per_token =
        2 * row.number("num_kv_heads") * row.number("head_dim") * row.element_bytes();
    return {row.number("batch") * row.number("kv_len") * per_token,
            row.number("batch") * row.number("num_kv_heads")};
  }
  static std::string_view left_out(const Row& row, const Form::Case& x, const forms::Chip& chip) {
    if (x.bytes < 1.3 * chip.l2_bytes) return "KV within 1.3 times L2";
    if (row.number("kv_len") < 128) return "fewer than 128 tokens";
    const double share = row.number("num_heads") / row.number("num_kv_heads");
    return share < 1 || share > 16 ? "unusual heads" : "";
  }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.units < 64 ? 1 : 0;
  }
  static Work work(const Form::Case& x) { return {0, x.bytes}; }
};

/// GEMM: t0 + || 2mnk/P , bytes/BW ||_p.
struct GemmNorm {
  static constexpr std::string_view kName = "gemm-norm";
  static constexpr std::array kParameters = {
      Parameter{"t0", Unit::time, 0, 1e-4, 3e-6, "of a call"},
      Parameter{"bandwidth", Unit::bandwidth, 1e10, 1e14, 1e12, "of weights and activations"},
      Parameter{"flop_rate", Unit::flop_rate, 1e12, 1e16, 1e14, "of large products"},
      Parameter{"p", Unit::none, 1, 20, 2, "sharpness of the knee"}};
  struct Case {
    double m = 0;
    double n = 0;
    double k = 0;
    double element = 2;
  };
  static double seconds(std::span<const double> p, const forms::Chip&, const Case& x) {
    const double memory = x.element * (x.m * x.k + x.k * x.n + x.m * x.n) / p[1];
    const double compute = 2 * x.m * x.n * x.k / p[2];
    const double most = std::max(memory, compute);
    return p[0] + most * portable::pow(1 + portable::pow(std::min(memory, compute) / most, p[3]),
                                       1 / p[3]);
  }
};

struct GemmNormPoints {
  using Form = GemmNorm;
  static constexpr std::string_view kFamily = "gemm";
  static constexpr std::array kColumns = {Column{"m"}, Column{"n"}, Column{"k"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"n", "k"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"m <= 64", "m > 64"};
  static constexpr std::string_view kOnly = "";

  static Form::Case case_of(const Row& row) {
    return {row.number("m"), row.number("n"), row.number("k"), row.element_bytes()};
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.m <= 64 ? 0 : 1;
  }
  static Work work(const Form::Case& x) { return {2 * x.m * x.n * x.k, x.element * x.n * x.k}; }
};

inline const forms::Chip kChip{132, 50e6};

/// A GEMM table as a GPU with these parameters would give it, each time off by a factor
/// `off(index)`. Shapes from 1 to `largest_m` rows and `least_nk` to `most_nk` columns.
template <class Off>
std::string gemm_csv(const std::array<double, 4>& truth, Off&& off, double largest_m = 16384,
                     double least_nk = 512, double most_nk = 16384) {
  std::string csv = "dtype,n,k,m,latency_us\n";
  int index = 0;
  for (double n = least_nk; n <= most_nk; n *= 2) {
    for (double k = least_nk; k <= most_nk; k *= 2) {
      for (double m = 1; m <= largest_m; m *= 4) {
        const double t = GemmNorm::seconds(truth, kChip, {m, n, k, 2}) * off(index++);
        csv += "bf16," + std::to_string(std::lround(n)) + "," + std::to_string(std::lround(k)) +
               "," + std::to_string(std::lround(m)) + "," + std::to_string(t * 1e6) + "\n";
      }
    }
  }
  return csv;
}

constexpr std::array<double, 4> kH200Gemm = {4.1e-6, 4.054e12, 7.97e14, 2.63};

}  // namespace terrace::testing
