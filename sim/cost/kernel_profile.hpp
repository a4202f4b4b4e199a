#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/fields.hpp"
#include "sim/cost/forms/form.hpp"
#include "sim/cost/forms/registry.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/model/dtype.hpp"

namespace terrace {

/// A parameter as a fit found it, in SI units: the best value, the ends of its 95 % interval, and
/// its standard error.
struct FittedParameter {
  double value = 0;
  double low = 0;
  double high = 0;
  double standard_error = 0;
};

/// How far a fit is off over a regime, as fractions: |predicted / measured - 1| over its points.
struct RegimeError {
  std::string regime;  // "all", or as the form's adapter calls it
  std::int64_t points = 0;
  double median = 0;
  double p90 = 0;
  double max = 0;
  double mape = 0;  // mean
  double wape = 0;  // sum of |predicted - measured| over the sum of measured: what a step feels
  double bias = 0;  // mean of predicted / measured - 1, with its sign
  // The same on points that the fit has not seen, by cross-validation over groups; none if there
  // was one group only.
  std::optional<double> cv_median;
  std::optional<double> cv_p90;
};

/// What is known of one family of kernels on one GPU, for one data type.
struct KernelFit {
  forms::FormName form;
  DType dtype = DType::bf16;             // of the KV cache, or of the weights
  std::optional<std::int64_t> head_dim;  // if the fit is for one only
  std::optional<std::int64_t> gpus;      // that take part, in collective operations
  std::string engine;                    // "vLLM 0.24.0"
  std::string source;                    // where the points come from
  std::int64_t points = 0;
  std::vector<FittedParameter> parameters;  // in the order of the form's
  std::vector<RegimeError> errors;

  /// The parameters' values, as the form takes them.
  [[nodiscard]] std::vector<double> best() const;

  /// Of two fits with the same key one replaces the other.
  [[nodiscard]] bool same_key(const KernelFit& other) const {
    return form == other.form && dtype == other.dtype && head_dim == other.head_dim &&
           gpus == other.gpus;
  }
};

/// What hwprofiles/kernels/ holds: how long the kernels of a GPU take, as fitted by
/// `terrace calibrate fit`.
struct KernelProfile {
  std::string gpu;               // as its profile calls it
  Bandwidth memory_bandwidth{};  // of that GPU, by its datasheet, and
  FlopRate bf16{};               // its rate
  std::vector<KernelFit> fits{};

  /// Whether its laws are those of a processor's kernels.
  [[nodiscard]] bool of_processor() const;

  /// Whether it was measured on this GPU, and not on one with other rates: of a GPU that is
  /// imagined different, it says nothing.
  [[nodiscard]] bool is_of(const GpuSpec& other) const {
    return gpu == other.name && memory_bandwidth == other.memory_bandwidth && bf16 == other.bf16;
  }
};

/// What forms have to know of it. REQUIRES: sms and l2 above 0.
forms::Chip chip_of(const GpuSpec& gpu);

void describe(config::Fields& f, RegimeError& error);
void describe(config::Fields& f, KernelFit& fit);
void describe(config::Fields& f, KernelProfile& profile);

/// The value with its unit, as a profile has it: "4.462 TB/s". Times to the picosecond.
std::string text_of(forms::Unit unit, double value);

/// What such a text says, in SI units; none if it is not one.
std::optional<double> value_of(forms::Unit unit, std::string_view text);

/// The value that text_of() leaves of it, after rounding to five significant digits.
double as_kept(forms::Unit unit, double value);

}  // namespace terrace
