#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sim/config/scalar.hpp"

namespace terrace {

/// The element of a tensor in memory.
enum class DType { bf16, fp16, fp8, int8, int4 };

/// Width of one element. Bits, because int4 is half a byte.
constexpr std::int64_t bits(DType type) {
  switch (type) {
    case DType::bf16:
    case DType::fp16:
      return 16;
    case DType::fp8:
    case DType::int8:
      return 8;
    case DType::int4:
      return 4;
  }
  return 16;
}

constexpr double bytes_per_element(DType type) { return static_cast<double>(bits(type)) / 8; }

template <>
struct config::Names<DType> {
  static constexpr std::string_view kKind = "data type";
  static constexpr std::array<std::pair<std::string_view, DType>, 5> kList{{{"bf16", DType::bf16},
                                                                            {"fp16", DType::fp16},
                                                                            {"fp8", DType::fp8},
                                                                            {"int8", DType::int8},
                                                                            {"int4", DType::int4}}};
};

}  // namespace terrace
