#pragma once

#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include "kernels/proof/tensor.hpp"
#include "tests/kernels/tolerance.hpp"

namespace terrace::kernels::tests {

inline void expect_close(const proof::Tensor& expected, const proof::Tensor& actual,
                         const AttentionTolerance& tolerance) {
  ASSERT_EQ(expected.count(), actual.count());
  for (std::int64_t i = 0; i < expected.count(); ++i) {
    const double error = std::abs(actual.at(i) - expected.at(i));
    // NaN is not close to anything.
    ASSERT_TRUE(error <= tolerance.of(expected.at(i), actual.view().type))
        << "element " << i << ": " << actual.at(i) << " instead of " << expected.at(i);
  }
}

}  // namespace terrace::kernels::tests
