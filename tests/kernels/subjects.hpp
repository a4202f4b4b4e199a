#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernel_set.hpp"
#include "tests/kernels/operands.hpp"
#include "tests/kernels/tolerance.hpp"

/// What the tests of operations are run on: every set of kernels but the reference.
namespace terrace::kernels::tests {

/// Ways to do the same that have to agree in every bit.
using Alike = std::vector<std::shared_ptr<KernelSet>>;

struct Subject {
  std::string name;
  std::function<std::vector<Alike>()> make;
  std::vector<std::int64_t> head_dims;
  std::vector<Element> cached;  // types that keys and values may have
  int cases_of_100 = 100;       // how many random cases it has time for
  bool multiplies = true;       // has a Gemm
  bool narrows_fp32 = true;     // and one of fp32 matrices whose result is bf16
  /// Whether infinities and NaN of a token reach no row that does not see it, even where another
  /// row of the same tile does.
  bool rows_are_alone = true;
  std::function<Rounding(Element cached, Element queries)> rounding;
  std::string why_not;  // it cannot be run here

  /// How far this set may be off at a decode or a prefill.
  template <class Attention>
  [[nodiscard]] AttentionTolerance tolerance(const Attention& attention) const {
    return tolerance_of(attention, rounding(attention.cache.shape().type, attention.q.view().type));
  }
  [[nodiscard]] int cases(int of) const { return std::max(of * cases_of_100 / 100, 1); }
  [[nodiscard]] std::shared_ptr<KernelSet> one() const { return make().front().front(); }
};

void PrintTo(const Subject& subject, std::ostream* out);

std::vector<Subject> subjects();

class OnEachSet : public ::testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    if (!subject().why_not.empty()) GTEST_SKIP() << subject().why_not;
  }
  [[nodiscard]] static const Subject& subject() { return GetParam(); }
};

inline std::string name_of(const ::testing::TestParamInfo<Subject>& info) {
  return info.param.name;
}

}  // namespace terrace::kernels::tests
