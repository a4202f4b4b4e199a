#include "sim/cost/forms/mla_decode.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/cost/forms/form_parameters.hpp"

namespace terrace::forms {
namespace {

MlaDecode::Case any_case() {
  return {1 << *rc::gen::inRange(0, 8), static_cast<double>(*rc::gen::element(1, 2)),
          *rc::gen::inRange(1, 1025), static_cast<double>(*rc::gen::inRange(1, 131073)),
          *rc::gen::element(false, true)};
}

RC_GTEST_PROP(MlaDecode, MoreOfAnythingTakesLonger, ()) {
  const auto p = any_parameters<MlaDecode>();
  const MlaDecode::Case x = any_case();
  const double t = MlaDecode::seconds(p, kH200, x);
  RC_ASSERT(t > 0 && std::isfinite(t));
  MlaDecode::Case more = x;
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      more.batch += 1;
      break;
    case 1:
      more.kv_len += *rc::gen::inRange(1, 1000);
      break;
    case 2:
      more.heads += 1;
      break;
    case 3:
      more.kv_bytes_per_element = 2;
      break;
    case 4:
      more.warm = false;
      break;
  }
  RC_ASSERT(at_least(MlaDecode::seconds(p, kH200, more), t));
}

TEST(MlaDecode, FewHeadsStreamTheCacheAndManyCompute) {
  auto p = start_values<MlaDecode>();
  p[5] = 1e-12;  // token
  const MlaDecode::Case few{16, 2, 256, 65536, false};
  const double bytes = 256.0 * 65536 * 576 * 2;
  p[3] = 1e16;  // flop_rate
  EXPECT_NEAR(MlaDecode::seconds(p, kH200, few) / (bytes / p[1]), 1, 0.02);

  MlaDecode::Case many = few;
  many.heads = 128;
  p[3] = 6e14;
  p[1] = 2e13;  // bandwidth
  p[8] = 1e-3;  // waves
  const double flops = 2.0 * 256 * 65536 * 128 * 1088;
  EXPECT_NEAR(MlaDecode::seconds(p, kH200, many) / (flops / p[3]), 1, 0.02);
}

TEST(MlaDecode, HeadsArePaddedToABlock) {
  const auto p = start_values<MlaDecode>();
  const auto t = [&](std::int64_t heads) {
    return MlaDecode::seconds(p, kH200, {heads, 2, 64, 65536, false});
  };
  EXPECT_NEAR(t(64) / t(2), 1, 0.02);
  EXPECT_GT(t(65) / t(64), 1.2);
}

TEST(MlaDecode, OnlyACacheThatFitsIsWarm) {
  const auto p = start_values<MlaDecode>();
  const auto gain = [&](double kv_len) {
    return MlaDecode::seconds(p, kH200, {16, 2, 8, kv_len, false}) /
           MlaDecode::seconds(p, kH200, {16, 2, 8, kv_len, true});
  };
  EXPECT_GT(gain(2048), 1.05);        // 19 MB
  EXPECT_NEAR(gain(65536), 1, 1e-3);  // 604 MB
}

TEST(MlaDecode, NoSequenceIsNoCall) {
  EXPECT_EQ(MlaDecode::seconds(start_values<MlaDecode>(), kH200, {16, 2, 0, 10, false}), 0);
}

}  // namespace
}  // namespace terrace::forms
