#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "sim/base/random.hpp"

namespace terrace {

/// Puts the items in one of all orders, each as likely (Fisher and Yates).
template <class T>
void shuffle(std::vector<T>& items, Random& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

}  // namespace terrace
