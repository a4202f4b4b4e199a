#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "sim/config/scalar.hpp"

namespace terrace {

/// Which end of the error bars of its kernels a step's time is made of.
enum class Confidence : std::uint8_t { low, base, high };

/// By what a time is multiplied that is off by the share `error`.
constexpr double stretch(Confidence confidence, double error) {
  switch (confidence) {
    case Confidence::low:
      return 1 / (1 + error);
    case Confidence::base:
      return 1;
    case Confidence::high:
      return 1 + error;
  }
  return 1;
}

}  // namespace terrace

template <>
struct terrace::config::Names<terrace::Confidence> {
  static constexpr std::string_view kKind = "end of the error bars";
  static constexpr std::pair<std::string_view, Confidence> kList[] = {
      {"low", Confidence::low}, {"base", Confidence::base}, {"high", Confidence::high}};
};
