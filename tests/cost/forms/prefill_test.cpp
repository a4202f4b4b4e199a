#include "sim/cost/forms/prefill.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/cost/forms/form_parameters.hpp"

namespace terrace::forms {
namespace {

Prefill::Case any_case() {
  Prefill::Case x;
  x.kv_heads = 1 << *rc::gen::inRange(0, 4);
  x.heads = x.kv_heads * *rc::gen::inRange(1, 17);
  x.head_dim = *rc::gen::element(64, 128, 256);
  x.kv_bytes_per_element = *rc::gen::element(1, 2);
  x.batch = *rc::gen::inRange(1, 65);
  x.fresh = *rc::gen::inRange(1, 8193);
  x.prefix = *rc::gen::inRange(0, 32769);
  x.window = *rc::gen::element(0, 512, 4096);
  return x;
}

RC_GTEST_PROP(Prefill, MoreOfAnythingTakesLonger, ()) {
  const auto p = any_parameters<Prefill>();
  const Prefill::Case x = any_case();
  const double t = Prefill::seconds(p, kH200, x);
  RC_ASSERT(t > 0 && std::isfinite(t));
  Prefill::Case more = x;
  switch (*rc::gen::inRange(0, 6)) {
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
      more.heads += more.kv_heads;
      break;
    case 4:
      more.kv_bytes_per_element = 2;
      break;
    case 5:
      more.window = x.window > 0 ? x.window * 2 : 0;
      break;
  }
  RC_ASSERT(at_least(Prefill::seconds(p, kH200, more), t));
}

RC_GTEST_PROP(Prefill, AWindowSavesAndAWideOneSavesNothing, ()) {
  const auto p = any_parameters<Prefill>();
  Prefill::Case full = any_case();
  full.window = 0;
  const double t = Prefill::seconds(p, kH200, full);
  Prefill::Case windowed = full;
  windowed.window = *rc::gen::inRange(1, 40000);
  RC_ASSERT(at_least(t, Prefill::seconds(p, kH200, windowed)));
  windowed.window = full.prefix + full.fresh;
  RC_ASSERT(Prefill::seconds(p, kH200, windowed) == t);
}

// Cutting a prompt into chunks does every piece of work, one launch per chunk, and reads the
// prefix again: it never gains.
RC_GTEST_PROP(Prefill, ChunksDoAllTheWork, ()) {
  Prefill::Case whole = any_case();
  whole.fresh = 128.0 * *rc::gen::inRange(2, 65);
  Prefill::Case head = whole;
  head.fresh = 128.0 * *rc::gen::inRange(1, static_cast<int>(whole.fresh / 128));
  Prefill::Case tail = whole;
  tail.fresh = whole.fresh - head.fresh;
  tail.prefix = whole.prefix + head.fresh;

  const double flops = Prefill::flops(head) + Prefill::flops(tail);
  RC_ASSERT(std::abs(flops / Prefill::flops(whole) - 1) < 1e-9);
  Prefill::Load chunks = Prefill::load(head);
  chunks += Prefill::load(tail);
  const Prefill::Load load = Prefill::load(whole);
  RC_ASSERT(std::abs(chunks.one_head.row_keys / load.one_head.row_keys - 1) < 1e-9);
  RC_ASSERT(std::abs(chunks.read_bytes / load.read_bytes - 1) < 1e-9);
  RC_ASSERT(std::abs(chunks.written_bytes / load.written_bytes - 1) < 1e-9);
  RC_ASSERT(chunks.longest_keys == load.longest_keys);

  const auto p = any_parameters<Prefill>();
  RC_ASSERT(at_least(Prefill::seconds(p, kH200, chunks), Prefill::seconds(p, kH200, load)));
}

RC_GTEST_PROP(Prefill, EqualChunksAddUpToABatch, ()) {
  const auto p = any_parameters<Prefill>();
  Prefill::Case one = any_case();
  one.batch = 1;
  const int n = *rc::gen::inRange(1, 20);
  Prefill::Load sum;
  for (int i = 0; i < n; ++i) sum += Prefill::load(one);
  Prefill::Case all = one;
  all.batch = n;
  const double t = Prefill::seconds(p, kH200, all);
  RC_ASSERT(std::abs(Prefill::seconds(p, kH200, sum) / t - 1) < 1e-9);
}

RC_GTEST_PROP(Prefill, PaddingOnlyAddsFlops, ()) {
  const Prefill::Case x = any_case();
  const Prefill::Load load = Prefill::load(x);
  const double each = 4.0 * static_cast<double>(x.head_dim);
  if (x.fresh > 1) RC_ASSERT(at_least(load.one_head.row_keys * each, Prefill::flops(x)));
  RC_ASSERT(at_least(load.packed.row_keys * each, Prefill::flops(x)));
}

TEST(Prefill, CountsTheVisiblePairs) {
  for (const double window : {0.0, 1.0, 5.0, 9.0, 12.0, 20.0}) {
    Prefill::Case x{3, 1, 64, 2, 2, 7, 5, window};
    double pairs = 0;
    for (int i = 1; i <= 7; ++i) pairs += window > 0 ? std::min(5.0 + i, window) : 5.0 + i;
    EXPECT_DOUBLE_EQ(Prefill::flops(x), 4 * 3 * 64 * 2 * pairs) << window;
  }
}

TEST(Prefill, ALongPromptRunsAtTheFlopRate) {
  auto p = start_values<Prefill>();
  const Prefill::Case x{64, 8, 128, 2, 8, 65536, 0, 0};
  const double ideal = Prefill::flops(x) / p[1] * (1 + p[9]);
  EXPECT_NEAR(Prefill::seconds(p, kH200, x) / ideal, 1, 0.03);
}

TEST(Prefill, ATokenCostsALaunch) {
  const auto p = start_values<Prefill>();
  const double t = Prefill::seconds(p, kH200, Prefill::Case{1, 1, 128, 2, 1, 1, 0, 0});
  EXPECT_GT(t, p[0]);
  EXPECT_LT(t, p[0] + 10e-6);
}

TEST(Prefill, NoChunkIsNoCall) {
  const auto p = start_values<Prefill>();
  EXPECT_EQ(Prefill::seconds(p, kH200, Prefill::Load{}), 0);
  EXPECT_EQ(Prefill::seconds(p, kH200, Prefill::Case{8, 8, 128, 2, 4, 0, 100, 0}), 0);
}

}  // namespace
}  // namespace terrace::forms
