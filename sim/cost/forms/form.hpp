#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sim/model/dtype.hpp"

namespace terrace::forms {

// A form is a law for the time of one family of kernels, with a handful of parameters that mean
// something. It is a struct of
//
//   static constexpr std::string_view kName;               as profiles and --form call it
//   static constexpr std::array<Parameter, N> kParameters;
//   struct Case { ... };                                   one call of the kernel
//   static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
//
// and, if some parameters have no effect with some data types,
//
//   static constexpr bool concerns(std::string_view parameter, DType dtype);
//
// and, if it is of kernels that run on a processor, with threads for SMs,
//
//   static constexpr bool kOfProcessor = true;
//
// The fitter finds the parameters from measured cases, a profile keeps them, a cost model asks for
// the time. Parameters and times are in SI units: s, bytes/s, FLOP/s. Of a parameter `bandwidth`,
// that of the GPU's memory or of slower links, a fit takes none beyond the memory's datasheet.

enum class Unit : std::uint8_t { none, time, bandwidth, flop_rate, bytes };

/// What the fitter has to know of a parameter: bounds, and where to start.
struct Parameter {
  std::string_view name;
  Unit unit = Unit::none;
  double low = 0;
  double high = 0;
  double start = 0;
  std::string_view doc;
};

/// What the forms have to know of the GPU, from its datasheet; or of a processor.
struct Chip {
  double sms = 1;       // streaming multiprocessors; threads of a processor
  double l2_bytes = 0;  // second-level cache
};

/// Whether the kernels are those of a processor.
template <class Form>
constexpr bool of_processor() {
  return requires { Form::kOfProcessor; };
}

/// Whether times depend on the parameter with that data type; otherwise it is neither fitted nor
/// kept in profiles, and has its start value.
template <class Form>
constexpr bool concerns(std::string_view parameter, DType dtype) {
  if constexpr (requires { Form::concerns(parameter, dtype); }) {
    return Form::concerns(parameter, dtype);
  } else {
    return true;
  }
}

}  // namespace terrace::forms
