#pragma once

#include <cstdint>

#include "kernels/array.hpp"

namespace terrace::kernels::reference {

inline double load(ConstArray a, std::int64_t i) {
  double value = 0;
  with_elements(a, [&](const auto* x) { value = static_cast<double>(to_float(x[i])); });
  return value;
}

inline void store(Array a, std::int64_t i, double value) {
  with_elements(a, [&]<class T>(T* x) { x[i] = round_to<T>(static_cast<float>(value)); });
}

}  // namespace terrace::kernels::reference
