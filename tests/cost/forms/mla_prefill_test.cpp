#include "sim/cost/forms/mla_prefill.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/cost/forms/form_parameters.hpp"

namespace terrace::forms {
namespace {

MlaPrefill::Case any_case() {
  return {1 << *rc::gen::inRange(0, 8), static_cast<double>(*rc::gen::element(1, 2)),
          *rc::gen::inRange(1, 65), static_cast<double>(*rc::gen::inRange(1, 16385)),
          static_cast<double>(*rc::gen::inRange(0, 32769))};
}

RC_GTEST_PROP(MlaPrefill, MoreOfAnythingTakesLonger, ()) {
  const auto p = any_parameters<MlaPrefill>();
  const MlaPrefill::Case x = any_case();
  const double t = MlaPrefill::seconds(p, kH200, x);
  RC_ASSERT(t > 0 && std::isfinite(t));
  MlaPrefill::Case more = x;
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      more.batch += 1;
      break;
    case 1:
      more.fresh += 1;
      break;
    case 2:
      more.prefix += *rc::gen::inRange(1, 1000);
      break;
    case 3:
      more.heads += 1;
      break;
    case 4:
      more.kv_bytes_per_element = 2;
      break;
  }
  RC_ASSERT(at_least(MlaPrefill::seconds(p, kH200, more), t));
}

RC_GTEST_PROP(MlaPrefill, ChunksDoAllTheWork, ()) {
  MlaPrefill::Case whole = any_case();
  whole.fresh = 128.0 * *rc::gen::inRange(2, 65);
  MlaPrefill::Case head = whole;
  head.fresh = 128.0 * *rc::gen::inRange(1, static_cast<int>(whole.fresh / 128));
  MlaPrefill::Case tail = whole;
  tail.fresh = whole.fresh - head.fresh;
  tail.prefix = whole.prefix + head.fresh;

  const double flops = MlaPrefill::flops(head) + MlaPrefill::flops(tail);
  RC_ASSERT(std::abs(flops / MlaPrefill::flops(whole) - 1) < 1e-9);
  MlaPrefill::Load chunks = MlaPrefill::load(head);
  chunks += MlaPrefill::load(tail);
  const MlaPrefill::Load load = MlaPrefill::load(whole);
  RC_ASSERT(std::abs(chunks.wide.row_keys / load.wide.row_keys - 1) < 1e-9);
  const auto p = any_parameters<MlaPrefill>();
  RC_ASSERT(at_least(MlaPrefill::seconds(p, kH200, chunks), MlaPrefill::seconds(p, kH200, load)));
}

TEST(MlaPrefill, ALongPromptRunsAtTheFlopRate) {
  const auto p = start_values<MlaPrefill>();
  const MlaPrefill::Case x{128, 2, 8, 65536, 0};
  const double ideal = MlaPrefill::flops(x) / p[1] * (1 + p[8]);
  EXPECT_NEAR(MlaPrefill::seconds(p, kH200, x) / ideal, 1, 0.03);
}

TEST(MlaPrefill, NoChunkIsNoCall) {
  const auto p = start_values<MlaPrefill>();
  EXPECT_EQ(MlaPrefill::seconds(p, kH200, MlaPrefill::Load{}), 0);
}

}  // namespace
}  // namespace terrace::forms
