#pragma once

#include <span>
#include <type_traits>

#include "kernels/element.hpp"

namespace terrace::kernels {

/// Where elements begin whose type is known when the program runs. Neither length nor ownership: an
/// operation says how many there have to be, and in which order. `Void` is void or const void.
template <class Void>
struct ElementPointer {
  Element type = Element::fp32;
  Void* begin = nullptr;

  template <class T>
  [[nodiscard]] auto* as() const {
    return static_cast<std::conditional_t<std::is_const_v<Void>, const T, T>*>(begin);
  }
};

using Array = ElementPointer<void>;
using ConstArray = ElementPointer<const void>;

template <class T>
Array array(std::span<T> elements) {
  return {kElement<T>, elements.data()};
}
template <class T>
ConstArray const_array(std::span<const T> elements) {
  return {kElement<T>, elements.data()};
}

/// Calls `f` with a pointer to the elements, typed.
template <class Void, class F>
[[gnu::always_inline]] inline void with_elements(ElementPointer<Void> a, const F& f) {
  switch (a.type) {
    case Element::fp32:
      return f(a.template as<float>());
    case Element::bf16:
      return f(a.template as<Bf16>());
    case Element::fp16:
      return f(a.template as<Fp16>());
    case Element::fp8_e4m3:
      return f(a.template as<Fp8E4m3>());
  }
}

}  // namespace terrace::kernels
